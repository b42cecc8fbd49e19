/* The part of llama_capture that sees the graph: see llama_nodes.c. */
#ifndef LLAMA_NODES_H
#define LLAMA_NODES_H

#include <stdbool.h>
#include <stddef.h>

#include "ggml.h"
#include "layer_file.h"

enum { MOST_LAYERS = 4096 };

typedef enum { UNWANTED, WANTED, WRITTEN, LEFT_OUT } state;

/* The one capture of the process. */
extern struct job {
    capture of;
    state states[MOST_LAYERS];
    char *reasons[MOST_LAYERS]; /* of layers that are left out */
    layer_file files[MOST_LAYERS];
    long first, rows;   /* the positions that are being computed */
    char failure[1024]; /* what ends the whole capture; empty for nothing */
} job;

/* Of struct llama_context_params: writes queries, keys and values of the layers that are wanted. */
bool on_node(struct ggml_tensor *t, bool ask, void *unused);

__attribute__((format(printf, 2, 3))) void leave_out(int layer, const char *format, ...);

/* Ends the program with a message. */
__attribute__((format(printf, 1, 2), noreturn)) void die(const char *format, ...);

double seconds(void); /* since the start */

#endif
