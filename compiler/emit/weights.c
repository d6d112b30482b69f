/* <name>_weights.c: constants. Nobody opens it. */
#include "compiler/emit/parts.h"

const char *tp_emit_c_type(tp_dtype dtype) {
    static const char *const names[TP_DTYPE_COUNT] = {
        [TP_S8] = "int8_t",   [TP_U8] = "uint8_t",    [TP_S16] = "int16_t",
        [TP_S32] = "int32_t", [TP_BITS] = "uint16_t", /* stands for it among
                                                         constants */
    };
    return names[dtype];
}

static long long element(const tp_const *c, size_t i) {
    switch (c->dtype) {
    case TP_S8:
        return ((const int8_t *)c->data)[i];
    case TP_U8:
        return ((const uint8_t *)c->data)[i];
    case TP_S16:
        return ((const int16_t *)c->data)[i];
    case TP_S32:
        return ((const int32_t *)c->data)[i];
    case TP_BITS:
        return ((const uint16_t *)c->data)[i];
    case TP_F32:
    case TP_Q8:
    case TP_Q16:
    case TP_Q32:
    case TP_DTYPE_COUNT:
        break;
    }
    return 0;
}

/* -2^31 cannot be written as a literal of its own type. */
static void print_element(tp_text *out, const tp_const *c, size_t i) {
    const long long v = element(c, i);
    if (v == INT32_MIN) {
        tp_text_add(out, "-2147483647 - 1");
    } else {
        tp_text_add(out, "%lld", v);
    }
}

char *tp_emit_weights(const tp_emitter *e) {
    tp_text out = {.arena = e->arena};
    tp_text_add(&out,
                "/* Constants of %s. Generated; do not edit. */\n"
                "#include <stdint.h>\n",
                e->name);
    for (int i = 0; i < e->plan->n_constants; i++) {
        const tp_const *c = &e->plan->constant[i];
        tp_text_add(&out, "\nextern const %s %s_%s[%zu];\n",
                    tp_emit_c_type(c->dtype), e->name, c->name, c->count);
        tp_text_add(&out, "const %s %s_%s[%zu] = {", tp_emit_c_type(c->dtype),
                    e->name, c->name, c->count);
        size_t line = 0;
        for (size_t k = 0; k < c->count; k++) {
            if (line == 0 || out.n - line > 72) {
                tp_text_add(&out, "\n    ");
                line = out.n - 4;
            } else {
                tp_text_add(&out, " ");
            }
            print_element(&out, c, k);
            tp_text_add(&out, ",");
        }
        tp_text_add(&out, "\n};\n");
    }
    return tp_text_done(&out);
}
