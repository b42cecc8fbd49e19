// Numbers that every kernel knows.
const float LOWEST = -1.7e38; // half of -FLT_MAX: differences with it stay finite, unlike with -inf
#define LN2 0.69314718056
#define NAN uintBitsToFloat(0x7fc00000u)
#define MINUS_INFINITY uintBitsToFloat(0xff800000u)
