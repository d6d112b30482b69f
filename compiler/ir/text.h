/* The graph as text, and back. A pass test is two small texts, a bug report is
 * a text.
 *
 *     graph tiny                         # from '#' on: a comment
 *     sha256 9f2c...                     64 digits; left out: zeros
 *     io f32 s8                          tp_graph.io_in, io_out; left out: s8
 *
 *     input %0 "x" s8[1,4,4,2] q(0.05, -3)
 *     const %1 "w" s8[3,1,1,2] qc(0; 0.01, 0.02, 0.03) = [1, -2, 3, 4, 5, -6]
 *     const %2 "b" s32[3] = fill(0)      every element; or = hex 00000000 ...
 *     param %3 "db" s16[3] init=gauss std=0.5
 *     param %11 "b" q4[3,2] axis=1       the axis of the ranks
 *     grad %4 "g" q32[3] param=%3 unit=0.25
 *     target %5 "label" u8[1]
 *     loss %6 "loss" s32[1]
 *     %7 "y" s8[1,4,4,3] q(0.1, 0)
 *         = conv0: conv(%0, %1, %2) stride=[1,1] act=[-128,100] source=0
 *     output %7
 *     logits %7
 *     backward                           ops from here on only train
 *     %4 = g0: bias_bwd(%9)
 *     %8 "dw" q32[3,2] unit=0.5          what another op makes a gradient of
 *         = g1: lora_bwd_b(%10, %9)
 *
 * Tensors are %0, %1, ... without gaps, declared in any order, each once:
 * role (none: a value), number, name (left out: "t7" for %7), type, shape;
 * then the scale, q(scale, zero point) or one a channel, qc(axis; scales); qc
 * of one channel is the same as q(scale, 0).
 * A value may be followed by "= op"; an op may also stand alone, "%7 = op".
 * An absent input is `_`. Ops stand in the order in which they run.
 *
 * A value that is kept with the sample says `latent` behind its scales.
 *
 * A line end is a space. Hexadecimal data are the elements' bytes, little-
 * endian, a tensor's header included. Names that are no plain words stand in
 * quotes, with \" \\ \n \t \xHH.
 *
 * Attributes, in the order of tp_attr: stride=[h,w] dilation=[h,w]
 * pad=[top,left,bottom,right] window=[h,w] act=[min,max] axis value rank
 * align_corners half_pixel seed alpha list=[..] of=<op kind>, and source. An
 * op has those that its row in ops.def names. What is left out is 0; stride
 * and dilation 1; act [-128,127]; source -1. */
#ifndef TP_COMPILER_TEXT_H
#define TP_COMPILER_TEXT_H

#include "compiler/ir/ir.h"

/* The text of a graph whose indices and enumerators are in range (no other
 * soundness is asked for); NULL: out of memory. What it does not show: fields
 * that a tensor's role or an op's kind does not use. */
char *tp_graph_print(tp_arena *arena, const tp_graph *graph);

/* The graph of a text; not verified, but every index is in range.
 *   text   [in]  any bytes, ending with 0; not kept
 *   graph  [out] written only on TP_OK; lives in `arena`; `input` is the
 *                first tensor with that role, or -1
 * "line 12, column 8: expected ..." (columns are bytes, from 1) with
 *   TP_ERR_MALFORMED  the text breaks a rule above, or a limit below
 *   TP_ERR_TRUNCATED  the same, where the text ends */
TP_MUST_CHECK tp_status tp_graph_parse(tp_arena *arena, const char *text,
                                       tp_graph *graph, tp_diag *diag);

/* Limits of the parser, so that a short text cannot ask for much memory. The
 * printer writes fill() up to TP_TEXT_FILL_EACH, so it never reaches them. */
#define TP_TEXT_TENSORS 16384
#define TP_TEXT_FILL_EACH 4096
#define TP_TEXT_FILL_ALL ((size_t)TP_TEXT_TENSORS * TP_TEXT_FILL_EACH)

/* Attributes that are int32_t or arrays of them, for print.c and parse.c. */
typedef struct tp_attr_field {
    char letter; /* in ops.def */
    const char *key;
    size_t offset; /* in tp_attr */
    int count;     /* 1: a number; more: [a,b,..] */
    int32_t left_out[4];
} tp_attr_field;

#define TP_N_ATTR_FIELDS 11
extern const tp_attr_field tp_attr_fields[TP_N_ATTR_FIELDS];

/* The attributes that ops of this kind use; the others are 0. */
tp_attr tp_attr_only(tp_kind kind, const tp_attr *attr);

/* True for letters, '_' and, after the first place, digits and '.': what a
 * plain word is made of. */
bool tp_text_plain(char c, bool first);
/* Keyword of a role; NULL for TP_VALUE, which has none. */
const char *tp_role_name(tp_role role);
/* Bytes of the units in which a tensor's data (header included) are stored
 * little-endian in the text: 1, 2 or 4. */
size_t tp_text_word(tp_dtype dtype);
/* True if elements may be written as numbers. */
bool tp_text_numbers(tp_dtype dtype);

#endif
