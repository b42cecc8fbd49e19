package attention

// Check returns the [*ArgumentError] that a run of the plan with these tensors
// would, so that a caller who keeps them for many runs learns of it once.
func (p *Plan) Check(in Inputs, out Outputs) error { return checkCall(p, in, out) }
