/* Constants of tiny_mlp. Generated; do not edit. */
#include <stdint.h>

extern const int32_t tiny_mlp_fc0_bias_m[4];
const int32_t tiny_mlp_fc0_bias_m[4] = {
    1638399959, 1638399959, 1638399959, 1638399959,
};

extern const int8_t tiny_mlp_fc0_bias_s[4];
const int8_t tiny_mlp_fc0_bias_s[4] = {
    -1, -1, -1, -1,
};

extern const int32_t tiny_mlp_fc0_bias_b[4];
const int32_t tiny_mlp_fc0_bias_b[4] = {
    524, 175, -275, -189,
};

extern const int32_t tiny_mlp_fc0_m[4];
const int32_t tiny_mlp_fc0_m[4] = {
    1466015573, 1466015573, 1466015573, 1466015573,
};

extern const int8_t tiny_mlp_fc0_s[4];
const int8_t tiny_mlp_fc0_s[4] = {
    -6, -6, -6, -6,
};

extern const int8_t tiny_mlp_fc0_w[24];
const int8_t tiny_mlp_fc0_w[24] = {
    62, -2, -26, 26, 76, 17, -53, -76, 73, -82, 36, -5, -37, -57, 54, -57, 71,
    15, -63, -47, 21, 5, -52, -75,
};

extern const int32_t tiny_mlp_fc1_bias_m[6];
const int32_t tiny_mlp_fc1_bias_m[6] = {
    1747626745, 1747626745, 1747626745, 1747626745, 1747626745, 1747626745,
};

extern const int8_t tiny_mlp_fc1_bias_s[6];
const int8_t tiny_mlp_fc1_bias_s[6] = {
    -1, -1, -1, -1, -1, -1,
};

extern const int32_t tiny_mlp_fc1_bias_b[6];
const int32_t tiny_mlp_fc1_bias_b[6] = {
    11177, 17691, 4029, -12066, 14700, -10239,
};

extern const int32_t tiny_mlp_fc1_lora_m[6];
const int32_t tiny_mlp_fc1_lora_m[6] = {
    1677721638, 1677721638, 1677721638, 1677721638, 1677721638, 1677721638,
};

extern const int8_t tiny_mlp_fc1_lora_s[6];
const int8_t tiny_mlp_fc1_lora_s[6] = {
    7, 7, 7, 7, 7, 7,
};

extern const int32_t tiny_mlp_fc1_m[6];
const int32_t tiny_mlp_fc1_m[6] = {
    1832519225, 1832519225, 1832519225, 1832519225, 1832519225, 1832519225,
};

extern const int8_t tiny_mlp_fc1_s[6];
const int8_t tiny_mlp_fc1_s[6] = {
    -7, -7, -7, -7, -7, -7,
};

extern const int8_t tiny_mlp_fc1_w[24];
const int8_t tiny_mlp_fc1_w[24] = {
    26, 68, -47, 43, 26, 34, 86, -9, 32, -20, -16, 30, 13, -53, -62, 6, 46, -45,
    70, 37, -4, -44, -68, 35,
};

extern const uint16_t tiny_mlp_fc1_conv_lora_bwd_x_bwd_q[6];
const uint16_t tiny_mlp_fc1_conv_lora_bwd_x_bwd_q[6] = {
    20976, 20976, 20976, 20976, 20976, 20976,
};
