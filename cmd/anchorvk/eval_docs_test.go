package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/internal/report"
)

// TestQualityTables compares the tables of docs/quality.md with the stored
// results: docs/results/NAME.json holds what the command above the table
// printed, and the table stands between <!-- NAME --> and <!-- end -->. -update
// writes the tables.
func TestQualityTables(t *testing.T) {
	docs := filepath.Join("..", "..", "docs")
	path := filepath.Join(docs, "quality.md")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, name := range []string{"eval-rivals", "eval-rivals-lean", "eval-target", "eval-sweep", "eval-thetas", "eval-parts"} {
		stored, err := os.ReadFile(filepath.Join(docs, "results", name+".json"))
		require.NoError(t, err)
		var doc struct {
			Summary []evalSummary    `json:"summary"`
			Parts   []*evalPartsMean `json:"parts"`
		}
		require.NoError(t, json.Unmarshal(stored, &doc))
		require.NotEmpty(t, doc.Summary)
		table := report.Document{Key: "summary", Columns: summaryColumns(false)}
		for _, s := range doc.Summary {
			table.Records = append(table.Records, s)
		}
		if name == "eval-parts" {
			require.NotEmpty(t, doc.Parts)
			table.Columns, table.Records = partsColumns(), nil
			for _, p := range doc.Parts {
				table.Records = append(table.Records, p)
			}
		}
		var rendered strings.Builder
		require.NoError(t, table.Write(&rendered, report.Markdown))
		before, rest, found := strings.Cut(string(text), "<!-- "+name+" -->\n")
		require.True(t, found, name)
		old, after, found := strings.Cut(rest, "<!-- end -->")
		require.True(t, found, name)
		if *update {
			text = []byte(before + "<!-- " + name + " -->\n" + rendered.String() + "<!-- end -->" + after)
			require.NoError(t, os.WriteFile(path, text, 0o644))
			continue
		}
		require.Equal(t, rendered.String(), old, name)
	}
}
