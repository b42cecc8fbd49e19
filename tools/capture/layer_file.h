/* The file of one layer, written as the forward pass goes: the sizes are known from the start,
 * so each row has its place, and nothing is held in memory. */
#ifndef LAYER_FILE_H
#define LAYER_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* What one capture is, the same for all of its layers. */
typedef struct {
    const char *out;         /* folder */
    const char *model;       /* for the metadata */
    const char *text_sha256; /* of the text that was captured */
    long positions;
    int layers;                        /* of the model */
    int kv_heads[4096], kv_head_count; /* chosen; count 0: all */
    bool resumed;                      /* parts of files of an earlier run go on */
} capture;

typedef struct {
    const capture *of;
    int layer;
    FILE *file;
    int heads, kv_heads, dim; /* in the file */
    int chosen[4096];         /* KV heads of the model in the file */
    long data;                /* where tensors begin */
} layer_file;

enum tensor_name { TENSOR_Q, TENSOR_K, TENSOR_V };

/* The file of a layer, or of its unfinished part, in a buffer that the next call takes. */
const char *layer_path(const capture *c, int layer, bool part);

/* 1 if the layer's file is there whole, 0 if there is none, -1 (and a message in why) if it is another's. */
int layer_is_finished(const capture *c, int layer, char *why, size_t size);

/* Opens the part of the layer's file. model_heads and model_kv_heads are those of the layer; factor is what q is
 * multiplied by. False with a message in why. */
bool layer_open(layer_file *f, const capture *c, int layer, int model_heads, int model_kv_heads, int dim, double factor,
    char *why, size_t size);

/* Writes rows [first, first + count) of a head of the file: count * dim halves. */
bool layer_write(layer_file *f, enum tensor_name name, int head, long first, long count, const uint16_t *halves);

/* Gives the whole file its name. */
bool layer_finish(layer_file *f);

/* Says in place of the part that the layer was left out, so that a resumed capture knows. */
void layer_leave_out(layer_file *f, const capture *c, int layer);

#endif
