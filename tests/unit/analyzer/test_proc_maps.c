#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "proc_maps.h"

static const char text[] = "1000-3000 r-xp 00002000 fe:00 77                 /opt/a b/shop (deleted)\n"
                           "3000-4000 rw-p 00000000 00:00 0 \n"
                           "not a mapping\n"
                           "8000-9000 rw-s 00000000 00:01 5                  /tmp/t/image-7-0\n"
                           "9000-9800 r--p 00000000 00:00 0                  [vdso]";

Test(proc_maps, reads_ranges_flags_and_paths)
{
	struct proc_maps maps;

	cr_assert(proc_maps_parse(text, strlen(text), &maps));
	/* The last line was cut: it has no end. */
	cr_assert_eq(maps.count, 3);
	cr_assert_eq(maps.items[0].start, 0x1000);
	cr_assert_eq(maps.items[0].end, 0x3000);
	cr_assert_eq(maps.items[0].file_offset, 0x2000);
	cr_assert(maps.items[0].readable && maps.items[0].executable && maps.items[0].is_private);
	cr_assert_not(maps.items[0].writable);
	cr_assert_str_eq(maps.items[0].path, "/opt/a b/shop (deleted)");
	cr_assert_str_eq(proc_map_base_name(&maps.items[0]), "shop (deleted)");
	cr_assert_str_eq(maps.items[1].path, "");
	cr_assert_not(maps.items[2].is_private);
	cr_assert_str_eq(proc_map_base_name(&maps.items[2]), "image-7-0");
	cr_assert_str_eq(maps.text, text);
	proc_maps_release(&maps);
}

Test(proc_maps, finds_the_mapping_of_an_address)
{
	struct proc_maps maps;

	cr_assert(proc_maps_parse(text, strlen(text), &maps));
	cr_assert_null(proc_maps_find(&maps, 0xfff));
	cr_assert_eq(proc_maps_find(&maps, 0x1000), &maps.items[0]);
	cr_assert_eq(proc_maps_find(&maps, 0x2fff), &maps.items[0]);
	cr_assert_eq(proc_maps_find(&maps, 0x3000), &maps.items[1]);
	cr_assert_null(proc_maps_find(&maps, 0x4000));
	cr_assert_eq(proc_maps_find(&maps, 0x8fff), &maps.items[2]);
	cr_assert_null(proc_maps_find(&maps, UINT64_MAX));
	proc_maps_release(&maps);
	proc_maps_release(&maps);
}

Test(proc_maps, reads_this_process_and_none_that_is_gone)
{
	struct proc_maps maps;

	cr_assert(proc_maps_read(getpid(), &maps));
	/* Not a local variable: AddressSanitizer may keep those elsewhere. */
	cr_assert_str_eq(proc_maps_find(&maps, (uintptr_t)__builtin_frame_address(0))->path, "[stack]");
	proc_maps_release(&maps);
	cr_assert_not(proc_maps_read(0x7ffffff0, &maps));
	cr_assert_eq(maps.count, 0);
}
