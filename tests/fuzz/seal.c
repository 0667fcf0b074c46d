#include "seal.h"

#include <stdlib.h>
#include <string.h>

#include "trace_reader.h"

uint8_t *seal_records(const uint8_t *data, size_t size_bytes)
{
	uint8_t *sealed = malloc(size_bytes + 1);

	memcpy(sealed, data, size_bytes);
	for (size_t at = TRACE_HEADER_SIZE_BYTES; at + sizeof(struct trace_record) <= size_bytes;
	     at += TRACE_GRANULE_BYTES) {
		struct trace_record record;

		memcpy(&record, sealed + at, sizeof record);
		if (record.magic != TRACE_RECORD_MAGIC || record.size_bytes > size_bytes - at ||
		    record.checksum_from > record.size_bytes)
			continue;
		record.checksum = trace_reader_checksum(sealed + at + record.checksum_from,
		                                        record.size_bytes - record.checksum_from);
		memcpy(sealed + at, &record, sizeof record);
	}
	return sealed;
}
