package rivals

// Streaming keeps the first sink keys and a window that slides: the keys from
// `window` before the row on. The window moves in steps of align rows; with
// groups of rows for steps it is AnchorAttention without stripes.
func Streaming(sink, align int) Method {
	return Method{
		Name: "streaming", Knob: "window", Value: 2048,
		Grid: []float64{128, 256, 512, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 16384, 32768, 65536, 131072},
		Look: func(*Head, []int) func(float64) Choice {
			return func(window float64) Choice {
				return Choice{Mark: func(p int, _ []float32, kept []bool) {
					fill(kept, 0, sink)
					fill(kept, p/align*align-int(window), p+1)
				}}
			}
		},
	}
}
