// How much of a tile's sequence of keys a dispatch attends: all of it, or where KEY_RANGE is defined the keys
// [range_first, range_last), both multiples of 16, which no batch of keys straddles. A range goes on from the state that the one
// before left in scratch memory (include/state.glsl); the one with the sequence's last key ends the rows. Keys come in the same
// order and batches as in one dispatch, and the state holds every bit, so that the result is the same.
#ifdef KEY_RANGE
#define FROM_KEY(i) max(i, range_first)
#define TO_KEY(i) min(i, range_last)
#define BEGIN_ROWS(tile) if (range_first > 0) LOAD_ROWS(tile) else clear_rows()
bool range_is_past(uint count) { return range_first > 0 && range_first >= count; }
bool range_is_last(uint count) { return range_last >= count; }
#else
#define FROM_KEY(i) i
#define TO_KEY(i) i
#define BEGIN_ROWS(tile) clear_rows()
#endif
