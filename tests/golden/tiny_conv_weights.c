/* Constants of tiny_conv. Generated; do not edit. */
#include <stdint.h>

extern const int32_t tiny_conv_conv0_lora_m[3];
const int32_t tiny_conv_conv0_lora_m[3] = {
    2097151900, 1398101321, 1677721638,
};

extern const int8_t tiny_conv_conv0_lora_s[3];
const int8_t tiny_conv_conv0_lora_s[3] = {
    8, 8, 8,
};

extern const int32_t tiny_conv_conv0_m[3];
const int32_t tiny_conv_conv0_m[3] = {
    1832519535, 1374389598, 1145324629,
};

extern const int8_t tiny_conv_conv0_s[3];
const int8_t tiny_conv_conv0_s[3] = {
    -7, -6, -6,
};

extern const int8_t tiny_conv_conv0_w[27];
const int8_t tiny_conv_conv0_w[27] = {
    -16, -10, -40, 48, 83, 70, -38, -44, 86, -40, 8, -14, -85, 2, 16, -48, -53,
    -23, -74, -6, -13, 64, 60, -90, 62, 83, -4,
};

extern const int32_t tiny_conv_conv0_b[3];
const int32_t tiny_conv_conv0_b[3] = {
    -348, -977, 73,
};

extern const int32_t tiny_conv_conv1_lora_m[4];
const int32_t tiny_conv_conv1_lora_m[4] = {
    1677721638, 2097151900, 1398101321, 1864135191,
};

extern const int8_t tiny_conv_conv1_lora_s[4];
const int8_t tiny_conv_conv1_lora_s[4] = {
    7, 7, 7, 7,
};

extern const int32_t tiny_conv_conv1_m[4];
const int32_t tiny_conv_conv1_m[4] = {
    2061584256, 1649267520, 1236950592, 1855425792,
};

extern const int8_t tiny_conv_conv1_s[4];
const int8_t tiny_conv_conv1_s[4] = {
    -6, -6, -5, -6,
};

extern const int8_t tiny_conv_conv1_w[12];
const int8_t tiny_conv_conv1_w[12] = {
    -12, 33, 88, -10, -43, 33, 30, 90, -45, -76, -25, -85,
};

extern const int32_t tiny_conv_conv1_b[4];
const int32_t tiny_conv_conv1_b[4] = {
    14587, -2728, 10430, -23881,
};

extern const uint16_t tiny_conv_conv1_conv_lora_bwd_x_bwd_q[4];
const uint16_t tiny_conv_conv1_conv_lora_bwd_x_bwd_q[4] = {
    20976, 16784, 25168, 18880,
};
