/* Samples, labels and targets from files, and results back to the bytes of the
 * model's own interface. Inside, a sample is what the model takes: int8, or
 * uint8 where the file itself has that. */
#ifndef TP_CLI_SAMPLES_H
#define TP_CLI_SAMPLES_H

#include "cli/cli.h"

/* One side of a model: what its tensor means, and the type the .tflite file
 * itself has there: TP_S8 or TP_U8, which are also the tensor's, or TP_F32. */
typedef struct tp_port {
    const tp_tensor *tensor;
    size_t count; /* elements of one sample */
    tp_dtype io;
} tp_port;

typedef struct tp_samples {
    int8_t *data; /* [n][count]; of a uint8 tensor the same bits */
    size_t n;
} tp_samples;

tp_port tp_port_in(const tp_graph *graph);
tp_port tp_port_out(const tp_graph *graph);
/* Of the target tensors of training, which are like what the loss reads: the
 * output, or int8 where that is uint8. */
tp_port tp_port_target(const tp_graph *graph);

/* The number that a byte of a sample or result stands for. */
int32_t tp_port_value(const tp_port *port, int8_t byte);

/* One or more samples. Raw bytes are of the file's own type; a .npy may also
 * hold bytes, already quantised. Float is quantised as TensorFlow Lite Micro's
 * QUANTIZE does: round(x / scale) + zero point, halves away from zero. */
TP_MUST_CHECK tp_status tp_samples_read(tp_diag *diag, const tp_port *port,
                                        const char *path, tp_samples *out);

/* Labels, one for each of n samples: raw bytes, or a .npy of any number type
 * with whole values; each below `classes`. */
TP_MUST_CHECK tp_status tp_labels_read(tp_diag *diag, const char *path,
                                       size_t n, size_t classes,
                                       uint8_t **labels);

/* The same real values at the scale of another port, which has as many
 * elements: samples as targets of an autoencoder, those as training takes
 * them. */
TP_MUST_CHECK tp_status tp_samples_requantise(tp_diag *diag, const tp_port *in,
                                              const tp_port *out,
                                              const tp_samples *x,
                                              tp_samples *target);

/* n results [n][count] in the file's own type. */
TP_MUST_CHECK tp_status tp_results_bytes(tp_diag *diag, const tp_port *port,
                                         const int8_t *y, size_t n,
                                         tp_bytes *out);

#endif
