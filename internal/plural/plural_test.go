package plural

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOf(t *testing.T) {
	require.Equal(t, "0 rows", Of(0, "row", "rows"))
	require.Equal(t, "1 row", Of(uint64(1), "row", "rows"))
	require.Equal(t, "12 bytes follow", Of(int64(12), "byte follows", "bytes follow"))
	require.Equal(t, "-1 rows", Of(-1, "row", "rows"))
}
