// A peak that a second look finds, and LOOK candidates on each side, as stripes. LOOK is at most 15, so that they lie in two words.
// Needs: guard.glsl and the buffer mask, which other invocations write too.
void mark_peak(uint slot, uint key, uint end) {
    uint from = max(key - min(key, LOOK), sink);
    uint bits = (1u << (min(key + LOOK + 1, end) - from)) - 1;
    uint word = slot * mask_words() + from / 32, shift = from % 32;
    atomicOr(mask[word], bits << shift);
    uint rest = shift == 0 ? 0 : bits >> (32 - shift);
    if (rest != 0) atomicOr(mask[word + 1], rest);
}
