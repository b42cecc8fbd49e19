// Slots of a workgroup that read the same keys.
uint kv_head_of(uint slot) { return unit_of_slot(slot).head / head_ratio; }

// Whether slot i of the workgroup is the first with its KV head.
bool brings_kv_head(uint first_slot, uint i) {
    for (uint j = 0; j < i; j++)
        if (kv_head_of(first_slot + j) == kv_head_of(first_slot + i)) return false;
    return true;
}
