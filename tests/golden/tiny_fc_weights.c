/* Constants of tiny_fc. Generated; do not edit. */
#include <stdint.h>

extern const int32_t tiny_fc_fc0_m[3];
const int32_t tiny_fc_fc0_m[3] = {
    1374389504, 1374389504, 1374389504,
};

extern const int8_t tiny_fc_fc0_s[3];
const int8_t tiny_fc_fc0_s[3] = {
    -7, -7, -7,
};

extern const int8_t tiny_fc_fc0_w[15];
const int8_t tiny_fc_fc0_w[15] = {
    0, 0, 0, 0, 0, 79, -82, -12, 3, 53, 90, 81, -19, 34, -23,
};

extern const int32_t tiny_fc_fc0_b[3];
const int32_t tiny_fc_fc0_b[3] = {
    -2147483647 - 1, 2147000000, 7,
};
