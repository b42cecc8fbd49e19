// Access to K and V: eight halves of a row as two float4 (or half4) vectors. Three ways, chosen when compiled:
//   KV_UINT     halves unpacked from 32-bit words: needs no 16-bit feature
//   KV_HALF     16-bit storage buffers
//   KV_ADDRESS  16-bit loads through buffer device addresses. CPU devices check the bounds of every buffer load; loads through
//               addresses are unchecked, so every index that reaches them is clamped, also in iterations whose lanes are all off.
// HALF_MATH keeps the vectors in 16 bit.
#ifdef HALF_MATH
#define VEC4 f16vec4
#else
#define VEC4 vec4
#endif

#if defined(KV_HALF) || defined(KV_ADDRESS)
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#endif

#if defined(KV_ADDRESS)
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_buffer_reference_uvec2 : require
layout(buffer_reference, std430, buffer_reference_align = 8) readonly buffer Halves { f16vec4 quad[]; };
void load_chunk(uvec2 address, uint chunk, out VEC4 low, out VEC4 high) {
    Halves halves = Halves(address);
    low = VEC4(halves.quad[2 * chunk]);
    high = VEC4(halves.quad[2 * chunk + 1]);
}
#define LOAD_K(chunk, low, high) load_chunk(k_address, chunk, low, high)
#define LOAD_V(chunk, low, high) load_chunk(v_address, chunk, low, high)
#define DECLARE_K(n) layout(binding = n) readonly buffer KeyBuffer { uint keys[]; }
#define DECLARE_V(n) layout(binding = n) readonly buffer ValueBuffer { uint values[]; }
#elif defined(KV_HALF)
#define DECLARE_K(n) layout(binding = n, std430) readonly buffer KeyBuffer { f16vec4 keys[]; }
#define DECLARE_V(n) layout(binding = n, std430) readonly buffer ValueBuffer { f16vec4 values[]; }
#define LOAD_K(chunk, low, high) low = VEC4(keys[2 * (chunk)]); high = VEC4(keys[2 * (chunk) + 1])
#define LOAD_V(chunk, low, high) low = VEC4(values[2 * (chunk)]); high = VEC4(values[2 * (chunk) + 1])
#else
void unpack_chunk(uvec4 packed, out vec4 low, out vec4 high) {
    low = vec4(unpackHalf2x16(packed.x), unpackHalf2x16(packed.y));
    high = vec4(unpackHalf2x16(packed.z), unpackHalf2x16(packed.w));
}
#define DECLARE_K(n) layout(binding = n, std430) readonly buffer KeyBuffer { uvec4 keys[]; }
#define DECLARE_V(n) layout(binding = n, std430) readonly buffer ValueBuffer { uvec4 values[]; }
#define LOAD_K(chunk, low, high) unpack_chunk(keys[chunk], low, high)
#define LOAD_V(chunk, low, high) unpack_chunk(values[chunk], low, high)
#endif
