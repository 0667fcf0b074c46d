/* A fuzzer does not find checksums: without this, nothing behind them would ever be reached. */
#ifndef AFTERFORK_FUZZ_SEAL_H
#define AFTERFORK_FUZZ_SEAL_H

#include <stddef.h>
#include <stdint.h>

/* A copy in which every record that is whole has a right checksum; malloc'ed. */
uint8_t *seal_records(const uint8_t *data, size_t size_bytes);

#endif
