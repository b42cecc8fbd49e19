// Package problem says what is to be computed: the [Shape] of an attention
// problem, the [Params] of AnchorAttention, the [Mode], and the [Tensor]s that
// hold data. It checks them; an [*ArgumentError] says which one is wrong, why,
// and what to try.
//
// Package attention has the same types by the same names, which is how programs
// usually reach them. They are a package of their own because the definition
// (package oracle) and the tuning rest on them, and on nothing of the engine,
// which rests on them too.
package problem
