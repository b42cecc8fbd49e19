package report

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type row struct {
	Mode  string `json:"mode"`
	Theta Limit  `json:"theta"`
	Time  struct {
		Total   Float   `json:"total"`
		Samples []Float `json:"samples"`
	} `json:"time_ms"`
	Ratio Float  `json:"ratio,omitempty"`
	Bytes uint64 `json:"bytes"`
}

func document() Document {
	a := row{Mode: "anchor|x", Theta: 12, Ratio: 0.25, Bytes: 3 << 20}
	a.Time.Total, a.Time.Samples = 1234.5678, []Float{1.5, 2}
	b := row{Mode: "dense", Theta: Limit(math.Inf(-1)), Bytes: 1023}
	b.Time.Total = Float(math.NaN())
	return Document{
		Key:     "results",
		Records: []any{a, b},
		Members: []Member{{"passed", 2}},
		Columns: []Column{
			{Head: "mode", Key: "mode"},
			{Head: "theta", Key: "theta", Right: true},
			{Head: "ms", Key: "time_ms.total", Right: true, Show: Fixed(2)},
			{Head: "ratio", Key: "ratio", Right: true, Show: Percent(1)},
			{Head: "bytes", Key: "bytes", Show: Bytes},
		},
		Foot: "2 passed",
	}
}

func render(t *testing.T, d Document, f Format) string {
	t.Helper()
	var b strings.Builder
	require.NoError(t, d.Write(&b, f))
	return b.String()
}

func TestMarkdown(t *testing.T) {
	assert.Equal(t, `| mode      | theta | ms      | ratio  | bytes  |
| ---       | --:   | --:     | --:    | ---    |
| anchor\|x | 12    | 1234.57 | 25.0 % | 3 MiB  |
| dense     | -inf  | -       | -      | 1023 B |
2 passed
`, render(t, document(), Markdown))
}

func TestJSON(t *testing.T) {
	text := render(t, document(), JSON)
	require.JSONEq(t, `{"schema":1,"passed":2,"results":[
	 {"mode":"anchor|x","theta":12,"time_ms":{"total":1234.5678,"samples":[1.5,2]},"ratio":0.25,"bytes":3145728},
	 {"mode":"dense","theta":"-inf","time_ms":{"total":null,"samples":null},"bytes":1023}]}`, text)
	require.True(t, strings.HasPrefix(text, "{\n  \"schema\": 1,\n"))
}

func TestJSONLines(t *testing.T) {
	lines := strings.Split(strings.TrimSuffix(render(t, document(), JSONL), "\n"), "\n")
	require.Len(t, lines, 2)
	for _, line := range lines {
		var got struct {
			Schema int    `json:"schema"`
			Mode   string `json:"mode"`
		}
		require.NoError(t, json.Unmarshal([]byte(line), &got))
		assert.Equal(t, 1, got.Schema)
		assert.NotEmpty(t, got.Mode)
	}
}

func TestCSV(t *testing.T) {
	assert.Equal(t, `mode,theta,time_ms_total,time_ms_samples,ratio,bytes
anchor|x,12,1234.5678,1.5;2,0.25,3145728
dense,-inf,,,,1023
`, render(t, document(), CSV))
}

func TestDocumentOfOneRecord(t *testing.T) {
	d := Document{Records: []any{struct {
		Go string `json:"go"`
	}{"1.26"}}}
	assert.JSONEq(t, `{"schema":1,"go":"1.26"}`, render(t, d, JSON))
	assert.Equal(t, "{\"schema\":1,\"go\":\"1.26\"}\n", render(t, d, JSONL))
}

func TestNumbersReadBack(t *testing.T) {
	for _, v := range []float64{0, 12.5, math.Inf(1), math.Inf(-1)} {
		text, err := json.Marshal(Limit(v))
		require.NoError(t, err)
		var back Limit
		require.NoError(t, json.Unmarshal(text, &back))
		assert.Equal(t, v, float64(back))
	}
	var f Float
	require.NoError(t, json.Unmarshal([]byte("null"), &f))
	assert.True(t, math.IsNaN(float64(f)))
	_, err := json.Marshal(Limit(math.NaN()))
	assert.Error(t, err, "theta is never NaN, so it must not be hidden")
}

type broken struct{}

func (broken) MarshalJSON() ([]byte, error) { return nil, errors.New("no text for this") }

func TestNothingIsWrittenOnAnError(t *testing.T) {
	for _, f := range Formats {
		var b strings.Builder
		err := Document{Key: "results", Records: []any{row{}, broken{}}}.Write(&b, f)
		require.ErrorContains(t, err, "no text for this", "%s", f)
		require.Empty(t, b.String(), "%s", f)
	}
	_, err := ParseFormat("xml")
	require.EqualError(t, err, `unknown output format "xml"; choose md, json, jsonl or csv`)
}
