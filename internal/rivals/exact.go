package rivals

import "sort"

// ExactTopK is an oracle: each row keeps its keys of the largest probability.
func ExactTopK() Method {
	return Method{
		Name: "exact-topk", Knob: "keys", Value: 1024,
		Grid:      []float64{16, 32, 64, 128, 256, 512, 1024, 1536, 2048, 3072, 4096, 8192, 16384, 32768, 65536, 131072},
		ScoresAll: true, Oracle: true,
		Look: func(*Head, []int) func(float64) Choice {
			return func(keys float64) Choice {
				return Choice{Mark: func(_ int, probs []float32, kept []bool) {
					for _, j := range byProbability(probs)[:min(int(keys), len(probs))] {
						kept[j] = true
					}
				}}
			}
		},
	}
}

// ExactMass is an oracle: each row keeps the fewest keys whose probabilities
// sum up to a share. 1 keeps all.
func ExactMass() Method {
	return Method{
		Name: "exact-mass", Knob: "mass", Value: 0.98,
		Grid:      []float64{0.3, 0.5, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999, 1},
		ScoresAll: true, Oracle: true,
		Look: func(*Head, []int) func(float64) Choice {
			return func(mass float64) Choice {
				return Choice{Mark: func(_ int, probs []float32, kept []bool) {
					sum := 0.0
					for _, j := range byProbability(probs) {
						if mass < 1 && sum >= mass {
							return
						}
						kept[j] = true
						sum += float64(probs[j])
					}
				}}
			}
		},
	}
}

// byProbability orders keys by falling probability, the first of equals first.
func byProbability(probs []float32) []int {
	order := make([]int, len(probs))
	for j := range order {
		order[j] = j
	}
	sort.Slice(order, func(a, b int) bool {
		x, y := probs[order[a]], probs[order[b]]
		return x > y || x == y && order[a] < order[b]
	})
	return order
}
