/* Constants of odd_names. Generated; do not edit. */
#include <stdint.h>

extern const int32_t odd_names_a____b____c_bias_m[3];
const int32_t odd_names_a____b____c_bias_m[3] = {
    2097152016, 2097152016, 2097152016,
};

extern const int8_t odd_names_a____b____c_bias_s[3];
const int8_t odd_names_a____b____c_bias_s[3] = {
    -2, -2, -2,
};

extern const int32_t odd_names_a____b____c_bias_b[3];
const int32_t odd_names_a____b____c_bias_b[3] = {
    1084, -757, 341,
};

extern const int32_t odd_names_a____b____c_lora_m[3];
const int32_t odd_names_a____b____c_lora_m[3] = {
    1677721638, 1677721638, 1677721638,
};

extern const int8_t odd_names_a____b____c_lora_s[3];
const int8_t odd_names_a____b____c_lora_s[3] = {
    7, 7, 7,
};

extern const int32_t odd_names_a____b____c_m[3];
const int32_t odd_names_a____b____c_m[3] = {
    1374389504, 1374389504, 1374389504,
};

extern const int8_t odd_names_a____b____c_s[3];
const int8_t odd_names_a____b____c_s[3] = {
    -6, -6, -6,
};

extern const int8_t odd_names_a____b____c_w[6];
const int8_t odd_names_a____b____c_w[6] = {
    50, 30, -20, 60, 45, 45,
};

extern const int32_t odd_names_op__________s_________bias_m[2];
const int32_t odd_names_op__________s_________bias_m[2] = {
    2097152016, 2097152016,
};

extern const int8_t odd_names_op__________s_________bias_s[2];
const int8_t odd_names_op__________s_________bias_s[2] = {
    -3, -3,
};

extern const int32_t odd_names_op__________s_________bias_b[2];
const int32_t odd_names_op__________s_________bias_b[2] = {
    5451, 9092,
};

extern const int32_t odd_names_op__________s_________m[2];
const int32_t odd_names_op__________s_________m[2] = {
    1374389504, 1374389504,
};

extern const int8_t odd_names_op__________s_________s[2];
const int8_t odd_names_op__________s_________s[2] = {
    -5, -5,
};

extern const int8_t odd_names_op__________s_________w[6];
const int8_t odd_names_op__________s_________w[6] = {
    30, 20, -5, 10, 25, 30,
};

extern const int32_t odd_names_a_b_bias_b[2];
const int32_t odd_names_a_b_bias_b[2] = {
    3531, 7172,
};

extern const int8_t odd_names_a_b_w[4];
const int8_t odd_names_a_b_w[4] = {
    40, -10, 15, 35,
};

extern const uint16_t
    odd_names_a_name_that_is_longer_than_any_line_of_C_that_people_like_to_read__twice_that_in_fact__and_then_some_more_conv_bwd_x_bwd_q[2];
const uint16_t
    odd_names_a_name_that_is_longer_than_any_line_of_C_that_people_like_to_read__twice_that_in_fact__and_then_some_more_conv_bwd_x_bwd_q[2]
    = {
    20976, 20976,
};
