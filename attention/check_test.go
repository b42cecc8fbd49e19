package attention

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/x448/float16"
)

func TestCallsAreChecked(t *testing.T) {
	report := fakeReport("discrete")
	p, err := NewPlan(report, Problem{Shape: Shape{Batch: 1, Heads: 1, KVHeads: 1, QLen: 16, KVLen: 16, HeadDim: 8}, Mode: ModeDense}, PlanOptions{})
	require.NoError(t, err)
	rows := func() Tensor { return HostBHSD(make([]float16.Float16, 16*8), 1, 1, 16, 8) }
	in, out := Inputs{Q: rows(), K: rows(), V: rows()}, Outputs{O: rows(), LSE: make([]float32, 16)}
	require.NoError(t, checkCall(p, in, out))
	var wrong *ArgumentError
	out.LSE = out.LSE[1:]
	require.ErrorAs(t, checkCall(p, in, out), &wrong)
	require.Equal(t, "LSE", wrong.Field)
	in.V.Host = in.V.Host[:5]
	require.ErrorAs(t, checkCall(p, in, out), &wrong)
	require.Equal(t, "V.Host", wrong.Field)
	require.ErrorAs(t, checkCall(&Plan{}, in, out), &wrong)
	require.Equal(t, "plan", wrong.Field)
}
