// What a group's sampled rows say of one candidate. Those at even multiples of GUARD_STRIDE and those at odd ones are two halves: a
// half that chose by itself would miss the other half's peaks, which judges the choice by rows that had no part in it.
// Needs: guard.glsl.
struct Needs { float whole, even, odd; }; // sums of probabilities from which the rows, or one half of them, choose a key

Needs needs_of(Unit unit) {
    uint count = sampled_rows(unit);
    uint odd_first = first_sampled(unit) / GUARD_STRIDE & 1;
    uint odd = (count + odd_first) / 2;
    float need = SAMPLE_WEIGHT / float(unit.group_start);
    return Needs(need * float(count), need * float(count - odd), need * float(odd));
}

// Sums of a key's probabilities in each half, and of those among them that are peaks.
struct KeyWeight { float even, odd, even_peaks, odd_peaks; };

void add_row(inout KeyWeight w, bool odd, float p) {
    float peak = p >= GUARD_PEAK ? p : 0;
    w.even += odd ? 0 : p;
    w.odd += odd ? p : 0;
    w.even_peaks += odd ? 0 : peak;
    w.odd_peaks += odd ? peak : 0;
}

// A half without rows chooses nothing.
bool chosen(float sum, float need) { return need > 0 && sum >= need; }
bool is_stripe(KeyWeight w, Needs needs) { return chosen(w.even + w.odd, needs.whole); }
float missed_by_halves(KeyWeight w, Needs needs) {
    return (chosen(w.even, needs.even) ? 0 : w.odd_peaks) + (chosen(w.odd, needs.odd) ? 0 : w.even_peaks);
}
