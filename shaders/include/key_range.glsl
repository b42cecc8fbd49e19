// How much of a tile's sequence of keys a dispatch attends: all of it, or where KEY_RANGE is defined, in scalar kernels, the keys
// [range_first, range_last), both multiples of 16, which no batch of keys straddles. A range goes on from the state that the one
// before left in scratch memory (state.glsl); the one with the sequence's last key ends the rows. Keys come in the same order and
// batches as in one dispatch, and the state holds every bit, so that the result is the same.
//
//   LEAVE_IF_PAST(count)              ends the kernel where an earlier range has ended the tile, which has so many keys
//   BEGIN_ROWS(tile)                  rows as the range before left them, or cleared
//   LEAVE_TO_NEXT_RANGE(tile, count)  saves them and ends the kernel where keys are left
#ifdef KEY_RANGE
#define FROM_KEY(i) max(i, range_first)
#define TO_KEY(i) min(i, range_last)
#define LEAVE_IF_PAST(count) if (range_first > 0 && range_first >= count) return;
#define BEGIN_ROWS(tile) if (range_first > 0) LOAD_ROWS(tile) else clear_rows()
#define LEAVE_TO_NEXT_RANGE(tile, count) \
    if (range_last < count) {            \
        SAVE_STATE(tile)                 \
        return;                          \
    }
#else
#define FROM_KEY(i) i
#define TO_KEY(i) i
#define LEAVE_IF_PAST(count)
#define BEGIN_ROWS(tile) clear_rows()
#define LEAVE_TO_NEXT_RANGE(tile, count)
#endif
