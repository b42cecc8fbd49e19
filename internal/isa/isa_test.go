package isa

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/vk"
)

// sample is a table of two pipelines, built anew for each test.
func sample() Table {
	row := func(kernel, size string) Row {
		r := Row{Key: Key{Tier: "coop", HeadDim: 128, Kernel: kernel, Size: size}, Module: kernel + "_coop", Shape: "256/64/16/16"}
		for i, c := range columns {
			*c.value(&r) = 100 + i
		}
		r.Spills, r.Fills, r.ScalarSpills, r.Scratch = 0, Unknown, 4, 0
		r.Cost, r.Matrix = 1000, 112
		return r
	}
	return Table{Driver: "radv 1", Rows: []Row{row("dense", PlanSize), row("dense", "32"), row("anchor", PlanSize)}}
}

func TestFileHoldsTheTable(t *testing.T) {
	table := sample()
	var b strings.Builder
	require.NoError(t, table.Write(&b))
	got, err := Read(strings.NewReader(b.String()))
	require.NoError(t, err)
	require.Equal(t, table.Driver, got.Driver)
	require.ElementsMatch(t, table.Rows, got.Rows)

	// The order of measuring does not show.
	table.Rows[0], table.Rows[2] = table.Rows[2], table.Rows[0]
	var again strings.Builder
	require.NoError(t, table.Write(&again))
	require.Equal(t, b.String(), again.String())
}

func TestReadRefuses(t *testing.T) {
	table := sample()
	var b strings.Builder
	require.NoError(t, table.Write(&b))
	good := b.String()
	for name, text := range map[string]string{
		"no driver":      strings.TrimPrefix(good, "# "),
		"other columns":  strings.Replace(good, "registers", "things", 1),
		"no columns":     "# radv 1\n",
		"a word":         strings.Replace(good, ",128,", ",many,", 1),
		"a bad figure":   strings.Replace(good, ",1000,", ",1e3,", 1),
		"a short record": good + "coop,128,dense\n",
	} {
		require.NotEqual(t, good, text, name)
		_, err := Read(strings.NewReader(text))
		require.Error(t, err, name)
	}
}

func TestCompare(t *testing.T) {
	key := sample().Rows[0].Key
	for name, c := range map[string]struct {
		change func(old, now *Table)
		want   string // of the only difference; "" for none
		bad    bool
	}{
		"the same":              {change: func(_, _ *Table) {}},
		"spills":                {func(_, now *Table) { now.Rows[0].Spills = 3 }, "3 registers spilled where the baseline has 0", true},
		"fills, newly told":     {func(_, now *Table) { now.Rows[0].Fills = 2 }, "2 registers filled where the baseline has 0", true},
		"scalar spills":         {func(_, now *Table) { now.Rows[0].ScalarSpills = 5 }, "5 scalar registers spilled where the baseline has 4", true},
		"fewer spills":          {change: func(_, now *Table) { now.Rows[0].ScalarSpills = 3 }},
		"spills no longer told": {change: func(_, now *Table) { now.Rows[0].ScalarSpills = Unknown }},
		"scratch":               {func(_, now *Table) { now.Rows[0].Scratch = 16 }, "16 bytes of scratch memory where the baseline has 0", true},
		"no matrix units":       {func(_, now *Table) { now.Rows[0].Matrix = 0 }, "no matrix instructions where the baseline has 112", true},
		"cost up to 5 %":        {change: func(_, now *Table) { now.Rows[0].Cost = 1050 }},
		"cost over 5 %":         {func(_, now *Table) { now.Rows[0].Cost = 1051 }, "cost 1051 where the baseline has 1000: 5.1 % more", true},
		"cost less by 5 %":      {func(_, now *Table) { now.Rows[0].Cost = 949 }, "cost 949 where the baseline has 1000: 5.1 % less", false},
		"cost not told":         {change: func(old, _ *Table) { old.Rows[0].Cost = Unknown }},
		"another driver": {func(old, now *Table) {
			old.Driver = "radv 0"
			now.Rows[0].Cost = 2000
		}, "cost 2000 where the baseline has 1000: 100.0 % more", false},
		"spills with another driver": {func(old, now *Table) {
			old.Driver = "radv 0"
			now.Rows[0].Spills = 1
		}, "1 registers spilled where the baseline has 0", true},
		"fewer waves":         {change: func(old, now *Table) { old.Rows[0].Waves, now.Rows[0].Waves = 8, 4 }},
		"too few waves":       {func(old, now *Table) { old.Rows[0].Waves, now.Rows[0].Waves = 4, 3 }, "3 waves, fewer than 4, where the baseline has 4", true},
		"few waves before":    {change: func(old, now *Table) { old.Rows[0].Waves, now.Rows[0].Waves = 2, 2 }},
		"more waves":          {change: func(old, now *Table) { old.Rows[0].Waves, now.Rows[0].Waves = 2, 3 }},
		"waves not told":      {change: func(_, now *Table) { now.Rows[0].Waves = Unknown }},
		"waves not told once": {change: func(old, now *Table) { old.Rows[0].Waves, now.Rows[0].Waves = Unknown, 3 }},
		"few waves on RDNA": {func(old, now *Table) {
			now.Device = "AMD Radeon RX 7600 (RADV NAVI33)"
			old.Rows[0].Waves, now.Rows[0].Waves = 3, 3
		}, "3 waves on an RDNA device, which must hold 4 at head_dim 128", true},
		"fewer waves on RDNA": {func(old, now *Table) {
			now.Device = "AMD Radeon (RADV GFX1201)"
			old.Rows[0].Waves, now.Rows[0].Waves = 8, 2
		}, "2 waves on an RDNA device, which must hold 4 at head_dim 128", true},
		"few waves on GCN": {change: func(old, now *Table) {
			now.Device = "AMD Radeon RX Vega (RADV VEGA10)"
			old.Rows[0].Waves, now.Rows[0].Waves = 2, 2
		}},
		"few waves on RDNA at another head_dim": {change: func(old, now *Table) {
			now.Device = "AMD Radeon RX 7600 (RADV NAVI33)"
			for _, table := range []*Table{old, now} {
				table.Rows[0].HeadDim, table.Rows[0].Waves = 256, 2
			}
		}},
		"more registers": {change: func(_, now *Table) { now.Rows[0].Registers++ }},
		"new":            {func(old, _ *Table) { old.Rows = old.Rows[1:] }, "not in the baseline (0 spills, 0 bytes of scratch)", true},
		"gone":           {func(_, now *Table) { now.Rows = now.Rows[1:] }, "in the baseline and no longer built", true},
	} {
		t.Run(name, func(t *testing.T) {
			old, now := sample(), sample()
			c.change(&old, &now)
			got := Compare(old, now)
			if c.want == "" {
				require.Empty(t, got)
				return
			}
			require.Equal(t, []Difference{{Key: key, What: c.want, Bad: c.bad}}, got)
			require.Contains(t, got[0].String(), "dense, tier coop, head_dim 128, as planned: ")
		})
	}
}

func TestSummaryNamesWhatSpills(t *testing.T) {
	table := sample()
	require.Contains(t, table.Summary(), "2 pipelines as planned and 1 at other subgroup sizes; as planned none spills")
	table.Rows[1].Spills = 1 // forced
	require.Contains(t, table.Summary(), "none spills")
	table.Rows[2].Scratch = 8
	require.Contains(t, table.Summary(), "1 spill or use scratch memory:\n  anchor, tier coop, head_dim 128, as planned (0 spills, 8 bytes of scratch)")
}

// Loops: the outer one holds three products, the inner two of them twice (so
// that it is the shorter of those with the most), the last only one.
const amdListing = `BB0:
	s_mov_b32 s0, s3                    ; be800003
BB1:
	v_mov_b32_e32 v0, v1                ; 7e000301
BB2:
	v_fma_f32 v0, v1, v2, v0            ; d6130000
	v_wmma_f32_16x16x16_f16 v[0:7], v[8:15], v[16:23], v[0:7] ; cc404000
	v_add_f32_e32 v0, v1, v2            ; 06000501
	v_wmma_f32_16x16x16_f16 v[0:7], v[8:15], v[16:23], v[0:7] ; cc404000
	s_cbranch_scc1 BB2                  ; bfa20001
	s_cbranch_execz BB3                 ; bfa50001
	s_branch BB1                        ; bfa00001
BB3:
	v_wmma_f32_16x16x16_f16 v[0:7], v[8:15], v[16:23], v[0:7] ; cc404000
	s_endpgm                            ; bfb00000
`

const nvidiaListing = `block 0 L1 [] -> {
      ur0      = s2r sr[0x25]           // delay=1 wr:0
      ur1      = iadd3 ur0 ur2 rZ       // delay=1
} -> [1]
block 1 L2 [0, 1] -> {
@!p1  r0..4    = ffma r1 r2 r3          // delay=1
      r4       = fmul.ftz r0 r1         // delay=4
      st.e.b32 [r4+0x0] r0              // delay=1
@p1              bra pT L2              // delay=1
} -> [1, 2]
block 2 L3 [1] -> {
                 exit                   // delay=1
} -> []
`

const intelListing = `mov(8)          g120<1>UW       0x76543210UV                    { align1 WE_all 1Q };
and(1)          a0.2<1>UD       g0.5<0,1,0>UD   0xfffffc00UD    { align1 WE_all 1N };

LABEL1:
(+f0.0) mad(16) g1<1>F          g2<1,1,0>F      g3<1,1,0>F      { align1 1H };
send(16)        nullUD          g19UD           g18UD           0x42000504 a0.2<0>UD
                ugm MsgDesc: ( store, a32, d32, V1, L1STATE_L3MOCS dst_len = 0 )  { align1 1H };
dpas.8x8(16)    g26<1>F         null<1,1,0>F    g34<1,1,0>HF    g8<1,1,0>HF { align1 WE_all 1H $15 };
while(16)       JIP:  LABEL1                                    { align1 };
`

func TestCountsOfMachineCode(t *testing.T) {
	for _, c := range []struct {
		name, listing                                    string
		vector, matrix, loop, vectorInLoop, matrixInLoop int
	}{
		{"Assembly", amdListing, 3, 3, 5, 2, 2},
		{"NAK assembly", nvidiaListing, 2, 0, 4, 2, 0},
		{"GEN Assembly", intelListing, 2, 1, 4, 1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r Row
			require.NoError(t, r.count([]vk.Listing{{Name: "NIR", Text: "x"}, {Name: c.name, Text: c.listing}}))
			require.Equal(t, []int{c.vector, c.matrix, c.loop, c.vectorInLoop, c.matrixInLoop},
				[]int{r.Vector, r.Matrix, r.LoopInstructions, r.LoopVector, r.LoopMatrix})
		})
	}
	var r Row
	require.ErrorContains(t, r.count([]vk.Listing{{Name: "NIR"}}), `["NIR"]`)
	require.ErrorContains(t, r.count([]vk.Listing{{Name: "Assembly", Text: "no code"}}), "no instruction")
}

// Intel's driver reports no scratch memory; its intermediate code does.
func TestScratchOfIndexedArrays(t *testing.T) {
	code := vk.Listing{Name: "GEN Assembly", Text: intelListing}
	for head, want := range map[string]int{"shader: X\nscratch: 800\nuniforms: 128\n": 800, "shader: X\nuniforms: 128\n": 0} {
		r := Row{Scratch: 0}
		require.NoError(t, r.count([]vk.Listing{{Name: "Final NIR", Text: head}, code}))
		require.Equal(t, want, r.Scratch)
	}
}

func TestStatisticsByName(t *testing.T) {
	r := newRow([]vk.Statistic{{Name: "VGPRs", Value: 96}, {Name: "Spilled VGPRs", Value: 2}, {Name: "Inverse Throughput", Value: 7}})
	require.Equal(t, []int{96, 2, 7, Unknown, Unknown}, []int{r.Registers, r.Spills, r.Cost, r.Fills, r.Matrix})
}
