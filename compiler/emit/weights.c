/* <name>_weights.c: constants. Nobody opens it. */
#include <stdio.h>

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
    case TP_U16: /* of adapters */
    case TP_F32:
    case TP_Q8:
    case TP_Q16:
    case TP_Q32:
    case TP_Q4:
    case TP_Q2:
    case TP_DTYPE_COUNT:
        break;
    }
    return 0;
}

/* -2^31 cannot be written as a literal of its own type. */
static void print_element(tp_text *out, const tp_const *c, size_t i) {
    const long long v = element(c, i);
    char word[32] = "-2147483647 - 1,";
    if (v != INT32_MIN) {
        (void)snprintf(word, sizeof word, "%lld,", v);
    }
    tp_emit_word(out, word, "\n    ");
}

/* "const int8_t kws_conv0_w[2560]" and what follows. */
static void print_declaration(tp_text *out, const tp_emitter *e,
                              const tp_const *c, const char *end) {
    tp_emit_words(out,
                  tp_arena_printf(e->arena, "const %s %s_%s[%zu]%s",
                                  tp_emit_c_type(c->dtype), e->name, c->name,
                                  c->count, end),
                  "\n    ");
}

void tp_emit_extern(tp_text *out, const tp_emitter *e, const tp_const *c) {
    tp_text_add(out, "extern ");
    print_declaration(out, e, c, ";");
    tp_text_add(out, "\n");
}

char *tp_emit_weights(const tp_emitter *e) {
    tp_text out = {.arena = e->arena};
    tp_emit_title(&out, e, "Constants");
    tp_text_add(&out, "#include <stdint.h>\n");
    for (int i = 0; i < e->plan->n_constants; i++) {
        const tp_const *c = &e->plan->constant[i];
        tp_text_add(&out, "\n");
        tp_emit_extern(&out, e, c);
        print_declaration(&out, e, c, " = {");
        tp_text_add(&out, "\n    ");
        for (size_t k = 0; k < c->count; k++) {
            print_element(&out, c, k);
        }
        tp_text_add(&out, "\n};\n");
    }
    return tp_text_done(&out);
}
