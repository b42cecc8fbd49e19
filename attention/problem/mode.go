package problem

import "fmt"

// Mode says which attention is computed.
type Mode int

const (
	// ModeAnchor is AnchorAttention: sink, window and stripes.
	ModeAnchor Mode = iota
	// ModeDense is full causal attention.
	ModeDense
)

// String returns "anchor" or "dense", the names that [ParseMode] reads.
func (m Mode) String() string {
	switch m {
	case ModeAnchor:
		return "anchor"
	case ModeDense:
		return "dense"
	}
	return fmt.Sprintf("Mode(%d)", int(m))
}

// Validate returns an [*ArgumentError] unless m is one of the modes above.
func (m Mode) Validate() error {
	if m != ModeAnchor && m != ModeDense {
		return Errorf("Mode", "use ModeAnchor or ModeDense", "is %d, which is no mode", int(m))
	}
	return nil
}

// ParseMode reads "anchor" or "dense".
func ParseMode(name string) (Mode, error) {
	switch name {
	case "anchor":
		return ModeAnchor, nil
	case "dense":
		return ModeDense, nil
	}
	return 0, Errorf("Mode", `use "anchor" or "dense"`, "is %q, which is no mode", name)
}

// MarshalText writes the mode's name, so that JSON shows "anchor" or "dense".
func (m Mode) MarshalText() ([]byte, error) {
	if err := m.Validate(); err != nil {
		return nil, err
	}
	return []byte(m.String()), nil
}

// UnmarshalText reads what MarshalText writes.
func (m *Mode) UnmarshalText(text []byte) error {
	parsed, err := ParseMode(string(text))
	if err != nil {
		return err
	}
	*m = parsed
	return nil
}
