// Bits of a mask word's keys that are candidates: positions [sink, end).
uint candidates(uint word, uint end) {
    uint first = word * 32;
    uint from = clamp(sink, first, first + 32) - first;
    uint to = clamp(end, first, first + 32) - first;
    return bitfieldInsert(0u, 0xffffffffu, int(from), int(max(to, from) - from));
}
