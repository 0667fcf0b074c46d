#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "sample_report.h"

extern const struct renderer render_json;

static char *render(const struct report *report)
{
	return sample_report_render(report, &render_json, &(struct render_options){0});
}

static void expect(const char *file_name, const struct report *report)
{
	char *text = render(report);
	sample_report_expect(file_name, text);
	free(text);
}

Test(render_json, gives_the_whole_object_in_a_stable_order)
{
	expect("full.json", sample_report_full("/opt/shop/src"));
}

Test(render_json, keeps_64_bit_numbers_exact_and_has_an_empty_list_of_findings)
{
	expect("clean.json", sample_report_clean());
}

Test(render_json, leaves_out_what_is_not_known)
{
	expect("bare.json", sample_report_bare());
}

static void expect_no_null(const cJSON *item)
{
	for (; item; item = item->next) {
		cr_assert(!cJSON_IsNull(item), "null at %s", item->string ? item->string : "an index");
		expect_no_null(item->child);
	}
}

Test(render_json, is_valid_json_without_nulls)
{
	const struct report *reports[] = {sample_report_full("/opt/shop/src"), sample_report_clean(),
	                                  sample_report_partial(), sample_report_bare()};
	for (size_t i = 0; i < sizeof(reports) / sizeof(*reports); i++) {
		char *text = render(reports[i]);
		cJSON *root = cJSON_Parse(text);
		cr_assert_not_null(root, "report %zu is no JSON", i);
		expect_no_null(root);
		cJSON_Delete(root);
		free(text);
	}
}

Test(render_json, removes_frames_of_the_library)
{
	char *text = render(sample_report_full("/opt/shop/src"));
	cr_assert_null(strstr(text, "libafterfork.so"));
	cr_assert_not_null(strstr(text, "start_thread"));
	free(text);
}
