// What each family gives a kernel that attends. Before it the kernel says which keys these are, and what it writes:
//
//   uint key_at(uint i)         the position of key i of its sequence
//   GATHERED                    defined where the keys of a batch lie apart, so that key_at is asked for each
//   uint diagonal_key(uint i)   the same of the sequence whose last keys lie on the diagonal; where there is output
//   ACC_BINDING, SUMS_BINDING   where it keeps the state of rows, which it reads or writes as STATE_ACCESS says
//   OUT_BINDING, LSE_BINDING    where it writes output
//   TRACK_MAXIMUM               defined where the saved maxima have to be those of all scores
//
// and gets:
//
//   begin_tile(head, first_position)
//       loads the tile's queries; positions outside of the call repeat its first or last row
//   clear_rows()
//       begins with rows that have seen no key
//   attend(count, seen_by_all, diagonal, first_position, k_head_base, v_head_base)
//       attends keys [0, count) of the sequence. Those from seen_by_all on are compared with each row's position; with diagonal some
//       rows do not see them. Matrices leave out their values that are not finite
//   any_odd_value()
//       whether there were such values
//   SAVE_STATE(tile), LOAD_STATE(tile, odd)
//       rows to scratch memory and back; odd is any_odd_value() of what saved them
//   store_rows(head, first_position, end_position, v_head_base, odd, diagonal)
//       writes the rows before end_position; odd values are looked for from key `diagonal` of diagonal_key's sequence on
#if defined(IN_REGISTERS)
#include "registers_tile.glsl"
#elif defined(IN_SHARED)
#include "shared_tile.glsl"
#else
#include "scalar_tile.glsl"
#endif
#ifdef ACC_BINDING
#include "state.glsl"
#endif
#ifdef OUT_BINDING
#include "output.glsl"
#endif
#if defined(IN_REGISTERS) && defined(ACC_BINDING) && defined(OUT_BINDING) // stripes goes on from what anchor saved
#include "registers_load.glsl"
#endif
