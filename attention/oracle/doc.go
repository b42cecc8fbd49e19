// Package oracle defines AnchorAttention, and dense attention beside it, in
// float64 with plain loops ([Oracle]), and measures how far an output is from
// the definition and from full attention. Every kernel is compared with it; the
// product itself does not use it.
package oracle
