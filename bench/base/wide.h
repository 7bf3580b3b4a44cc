// Inner loops for wider vectors: a function marked with this exists twice, and which one runs is
// chosen when the program starts. Neither fuses a product and a sum, so their bits are the same.
#ifndef BENCH_BASE_WIDE_H
#define BENCH_BASE_WIDE_H

#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__clang__) &&                        \
    !defined(__SANITIZE_THREAD__)
#define FOX_WIDE __attribute__((target_clones("avx2", "default")))
#else
#define FOX_WIDE
#endif

#endif
