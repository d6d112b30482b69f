/* Constants of tiny_residual. Generated; do not edit. */
#include <stdint.h>

extern const int32_t tiny_residual_conv0_bias_m[3];
const int32_t tiny_residual_conv0_bias_m[3] = {
    1310719918, 2097152016, 1747626625,
};

extern const int8_t tiny_residual_conv0_bias_s[3];
const int8_t tiny_residual_conv0_bias_s[3] = {
    -1, -2, -1,
};

extern const int32_t tiny_residual_conv0_bias_b[3];
const int32_t tiny_residual_conv0_bias_b[3] = {
    558, -158, -769,
};

extern const int32_t tiny_residual_conv0_m[3];
const int32_t tiny_residual_conv0_m[3] = {
    1832519535, 1145324629, 1374389598,
};

extern const int8_t tiny_residual_conv0_s[3];
const int8_t tiny_residual_conv0_s[3] = {
    -7, -6, -7,
};

extern const int8_t tiny_residual_conv0_w[6];
const int8_t tiny_residual_conv0_w[6] = {
    28, -2, 41, 0, 44, -26,
};

extern const int32_t tiny_residual_dwconv1_bias_m[3];
const int32_t tiny_residual_dwconv1_bias_m[3] = {
    1092266639, 1456355575, 1747626745,
};

extern const int8_t tiny_residual_dwconv1_bias_s[3];
const int8_t tiny_residual_dwconv1_bias_s[3] = {
    0, 0, -1,
};

extern const int32_t tiny_residual_dwconv1_bias_b[3];
const int32_t tiny_residual_dwconv1_bias_b[3] = {
    90, -570, 574,
};

extern const int32_t tiny_residual_dwconv1_m[3];
const int32_t tiny_residual_dwconv1_m[3] = {
    1319413967, 1979120873, 1649267343,
};

extern const int8_t tiny_residual_dwconv1_s[3];
const int8_t tiny_residual_dwconv1_s[3] = {
    -7, -8, -7,
};

extern const int8_t tiny_residual_dwconv1_w[27];
const int8_t tiny_residual_dwconv1_w[27] = {
    60, 4, -15, -81, 20, -67, -37, -3, 41, 66, 2, -53, -3, -20, 89, 49, -67,
    -11, 85, -9, -12, -45, -70, 70, -52, 86, -11,
};

extern const int32_t tiny_residual_fc5_bias_m[2];
const int32_t tiny_residual_fc5_bias_m[2] = {
    1497965741, 1497965741,
};

extern const int8_t tiny_residual_fc5_bias_s[2];
const int8_t tiny_residual_fc5_bias_s[2] = {
    -3, -3,
};

extern const int32_t tiny_residual_fc5_bias_b[2];
const int32_t tiny_residual_fc5_bias_b[2] = {
    -2114, 156,
};

extern const int32_t tiny_residual_fc5_m[2];
const int32_t tiny_residual_fc5_m[2] = {
    1924145285, 1924145285,
};

extern const int8_t tiny_residual_fc5_s[2];
const int8_t tiny_residual_fc5_s[2] = {
    -5, -5,
};

extern const int8_t tiny_residual_fc5_w[6];
const int8_t tiny_residual_fc5_w[6] = {
    -78, -70, 63, 46, 13, -82,
};

extern const uint16_t tiny_residual_fc5_conv_bwd_x_bwd_q[2];
const uint16_t tiny_residual_fc5_conv_bwd_x_bwd_q[2] = {
    20976, 20976,
};

extern const uint16_t tiny_residual_dwconv1_dwconv_bwd_x_bwd_q[3];
const uint16_t tiny_residual_dwconv1_dwconv_bwd_x_bwd_q[3] = {
    16784, 12576, 20976,
};
