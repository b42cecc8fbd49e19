package profile

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/attention"
)

const example = `{"schema":1,"model":"a model, \"quoted\"","preset":"safe","heads":[{"layer":17,"head":3,"mode":"dense"},{"layer":2,"head":0,"theta":8},{"layer":2,"head":2,"mode":"anchor_only"},{"layer":3,"head":1,"mode":"anchor","theta":0},{"layer":3,"head":0,"weight":0.1}]}`

func TestParse(t *testing.T) {
	p, err := Parse([]byte(example))
	require.NoError(t, err)
	require.Equal(t, &Profile{Model: `a model, "quoted"`, Preset: "safe", Heads: []Head{
		{17, 3, attention.Head{Mode: attention.HeadDense}},
		{2, 0, attention.Head{Mode: attention.HeadAnchor, Theta: 8}},
		{2, 2, attention.Head{Mode: attention.HeadAnchorOnly}},
		{3, 1, attention.Head{Mode: attention.HeadAnchor}},
		{3, 0, attention.Head{Mode: attention.HeadAnchor, Weight: 0.1}},
	}}, p)
}

func TestRoundTrip(t *testing.T) {
	p, err := Parse([]byte(example))
	require.NoError(t, err)
	text, err := p.Encode()
	require.NoError(t, err)
	again, err := Parse(text)
	require.NoError(t, err, string(text))
	require.Equal(t, p, again)

	empty := &Profile{Preset: "paper", Heads: []Head{}}
	text, err = empty.Encode()
	require.NoError(t, err)
	again, err = Parse(text)
	require.NoError(t, err)
	require.Equal(t, empty, again)
}

func TestForFillsTheHeadsOfALayer(t *testing.T) {
	p, err := Parse([]byte(example))
	require.NoError(t, err)
	own, err := p.For(2, 3)
	require.NoError(t, err)
	require.Equal(t, []attention.Head{{Mode: attention.HeadAnchor, Theta: 8}, {}, {Mode: attention.HeadAnchorOnly}}, own)

	own, err = p.For(5, 3)
	require.NoError(t, err)
	require.Nil(t, own)

	params, err := p.Params(17, 4)
	require.NoError(t, err)
	require.NoError(t, params.Validate())
	require.Equal(t, attention.HeadDense, params.Heads[3].Mode)
	safe, err := attention.Preset("safe")
	require.NoError(t, err)
	params.Heads = nil
	require.Equal(t, safe, params)

	_, err = p.For(17, 3)
	require.ErrorContains(t, err, "heads[0]: layer 17 has 3 query heads, but head 3 is named")
}

func TestCheckSaysWhatDoesNotFit(t *testing.T) {
	p, err := Parse([]byte(example))
	require.NoError(t, err)
	require.NoError(t, p.Check(18, 4))
	var wrong *Error
	require.ErrorAs(t, p.Check(17, 4), &wrong)
	require.Equal(t, "heads[0]", wrong.Where)
	require.Contains(t, wrong.Why, "the model has 17 layers, but layer 17 is named")
	require.ErrorContains(t, p.Check(18, 3), "heads[0]: the model has 3 query heads, but head 3 is named")
	p.Preset = "paper" // whose pooled rows choose
	require.ErrorContains(t, p.Check(18, 4), "heads[4]: weight 0.1 is of sampled rows, and preset paper has none")
	p.Heads = p.Heads[:4]
	require.NoError(t, p.Check(18, 4))
	p.Heads[1].Layer = -1 // of a profile that was made by hand
	require.ErrorContains(t, p.Check(18, 4), "heads[1]: layer -1 is out of range")
	p.Preset = "fast"
	require.ErrorContains(t, p.Check(18, 4), "preset")
}

// What Check accepts the parameters of every layer accept too.
func TestCheckedProfilesGiveValidParameters(t *testing.T) {
	p, err := Parse([]byte(example))
	require.NoError(t, err)
	require.NoError(t, p.Check(18, 4))
	for layer := range 18 {
		params, err := p.Params(layer, 4)
		require.NoError(t, err)
		require.NoError(t, params.Validate(), "layer %d", layer)
	}
}

func TestString(t *testing.T) {
	p, err := Parse([]byte(example))
	require.NoError(t, err)
	require.Equal(t, `profile of a model, "quoted" on preset safe: heads with a way of their own: 5 in 3 layers (anchor 3, dense 1, anchor_only 1)`, p.String())
	require.Equal(t, "profile on preset paper: no head has a way of its own", (&Profile{Preset: "paper"}).String())
}

func TestBadProfiles(t *testing.T) {
	heads := func(list string) string { return `{"schema":1,"preset":"safe","heads":[` + list + `]}` }
	for text, want := range map[string]string{
		``:                             "not valid JSON",
		`[]`:                           "not a profile",
		`{"schema":1,"preset":"safe"`:  "not valid JSON",
		example + `{}`:                 "2 bytes follow",
		`{"preset":"safe"}`:            "schema: is missing",
		`{"schema":2,"preset":"safe"}`: "schema: 2 is not supported",
		`{"schema":1}`:                 "preset: is missing",
		`{"schema":1,"preset":"fast"}`: `preset: "fast" is none; use one of `,
		`{"schema":1,"preset":"safe","layers":[]}`:                                  "layers",
		`{"schema":1,"preset":"safe","preset":"paper"}`:                             `the name "preset" is there twice`,
		`{"schema":1,"preset":"safe","model":[[[[[[[[[1]]]]]]]]]}`:                  "deeper than 8",
		heads(`{"layer":0,"head":0}`):                                               "heads[0]: mode, theta and weight are all missing",
		heads(`{"layer":0,"theta":8}`):                                              "heads[0]: layer and head are both needed",
		heads(`{"head":0,"theta":8}`):                                               "heads[0]: layer and head are both needed",
		heads(`{"layer":-1,"head":0,"theta":8}`):                                    "heads[0]: layer -1 is out of range",
		heads(`{"layer":0,"head":-1,"theta":8}`):                                    "heads[0]: head -1 is out of range",
		heads(`{"layer":0,"head":99999999,"theta":8}`):                              "heads[0]: head 99999999 is out of range",
		heads(`{"layer":0.5,"head":0,"theta":8}`):                                   "0.5",
		heads(`{"layer":0,"head":0,"theta":NaN}`):                                   "not valid JSON",
		heads(`{"layer":0,"head":0,"theta":1e999}`):                                 "1e999",
		heads(`{"layer":0,"head":0,"theta":"8"}`):                                   "theta",
		heads(`{"layer":0,"head":0,"mode":"sparse"}`):                               `heads[0]: mode is "sparse"; write "anchor", "dense" or "anchor_only"`,
		heads(`{"layer":0,"head":0,"mode":"default"}`):                              `heads[0]: mode is "default"; write "anchor"`,
		heads(`{"layer":0,"head":0,"mode":"anchor"}`):                               "heads[0]: mode anchor needs a theta",
		heads(`{"layer":0,"head":0,"mode":"dense","theta":8}`):                      "heads[0]: mode dense has no theta",
		heads(`{"layer":0,"head":0,"mode":"dense","theta":0}`):                      "heads[0]: mode dense has no theta",
		heads(`{"layer":0,"head":0,"mode":"dense","weight":8}`):                     "heads[0]: mode dense has no weight",
		heads(`{"layer":0,"head":0,"theta":8,"weight":0.2}`):                        "heads[0]: has both theta and weight",
		heads(`{"layer":0,"head":0,"weight":0}`):                                    "heads[0]: weight is 0; use a number above 0",
		heads(`{"layer":0,"head":0,"weight":-0.2}`):                                 "heads[0]: weight is -0.2, outside of 2.5e-29",
		heads(`{"layer":0,"head":0,"weight":1e-99}`):                                "heads[0]: weight is 1e-99, outside of 2.5e-29",
		heads(`{"layer":0,"head":0,"tetha":8}`):                                     "tetha",
		heads(`{"layer":1,"head":0,"theta":8},{"layer":1,"head":0,"mode":"dense"}`): "heads[1]: layer 1 head 0 is there already, as heads[0]",
	} {
		p, err := Parse([]byte(text))
		require.Nil(t, p, text)
		var wrong *Error
		require.ErrorAs(t, err, &wrong, text)
		require.ErrorContains(t, err, want, text)
	}
}

func TestEncodeRefusesWhatParseWould(t *testing.T) {
	for _, theta := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		_, err := (&Profile{Preset: "safe", Heads: []Head{{0, 0, attention.Head{Mode: attention.HeadAnchor, Theta: theta}}}}).Encode()
		require.ErrorContains(t, err, "is no finite number")
	}
	for want, own := range map[string]attention.Head{
		"has both theta and weight": {Mode: attention.HeadAnchor, Theta: 1, Weight: 1},
		"weight is NaN":             {Mode: attention.HeadAnchor, Weight: math.NaN()},
		"weight is +Inf":            {Mode: attention.HeadAnchor, Weight: math.Inf(1)},
		"dense has no weight":       {Mode: attention.HeadDense, Weight: 1},
	} {
		_, err := (&Profile{Preset: "safe", Heads: []Head{{0, 0, own}}}).Encode()
		require.ErrorContains(t, err, want)
	}
	_, err := (&Profile{Preset: "safe", Heads: []Head{{}}}).Encode()
	require.ErrorContains(t, err, "mode default is none")
}

func TestLoadNamesTheFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "model.json")
	_, err := Load(path)
	require.ErrorContains(t, err, path+": no such file")
	_, err = Load(dir)
	require.ErrorContains(t, err, dir+": cannot be read")
	require.NoError(t, os.WriteFile(path, []byte(`{"schema":3}`), 0o600))
	_, err = Load(path)
	require.ErrorContains(t, err, path+": schema: 3 is not supported")
	require.NoError(t, os.WriteFile(path, []byte(example), 0o600))
	p, err := Load(path)
	require.NoError(t, err)
	require.Len(t, p.Heads, 5)
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(example))
	f.Add([]byte(`{"schema":1,"preset":"safe","heads":[]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Parse(text)
		if err != nil {
			return
		}
		encoded, err := p.Encode()
		require.NoError(t, err)
		again, err := Parse(encoded)
		require.NoError(t, err)
		require.Equal(t, p, again)
	})
}

// encoding/json would take each of these, the last one winning.
func TestNamesAreExact(t *testing.T) {
	for text, want := range map[string]string{
		`{"Schema":1,"preset":"safe"}`:                                                `profile: not a profile: the name "Schema" is unknown; write "schema", in small letters`,
		`{"schema":1,"preset":"safe","preseT":"lean"}`:                                `profile: not a profile: the name "preseT" is unknown; write "preset", in small letters`,
		`{"schema":1,"preset":"safe","layers":[]}`:                                    `profile: not a profile: the name "layers" is unknown; the names here are schema, model, preset, heads`,
		`{"schema":1,"preset":"safe","heads":[{"layer":0,"Layer":5,"head":0}]}`:       `profile: heads[0]: the name "Layer" is unknown; write "layer", in small letters`,
		`{"schema":1,"preset":"safe","heads":[{"layer":0,"head":0,"tetha":8}]}`:       `profile: heads[0]: the name "tetha" is unknown; the names here are layer, head, mode, theta, weight`,
		`{"schema":1,"preset":"safe","heads":[{"layer":0,"head":0,"wei\u0261ht":1}]}`: `profile: heads[0]: the name "weiɡht" is unknown; the names here are layer, head, mode, theta, weight`,
	} {
		p, err := Parse([]byte(text))
		require.Nil(t, p, text)
		require.EqualError(t, err, want, text)
	}
}

// A value of the wrong kind is named in the words of the file, not by Go's types.
func TestWrongKinds(t *testing.T) {
	long := strings.Repeat("x", 1000)
	head := func(rest string) string { return `{"schema":1,"preset":"safe","heads":[{` + rest + `}]}` }
	for text, want := range map[string]string{
		`[]`:                        "profile: not a profile: a list stands where an object {...} with schema, model, preset, heads is needed",
		`3`:                         "profile: not a profile: 3 stands where an object {...} with schema, model, preset, heads is needed",
		`null`:                      "profile: not a profile: null stands where an object {...} with schema, model, preset, heads is needed",
		`{"schema":"1"}`:            `profile: schema is "1"; write 1, the format that this version reads`,
		`{"schema":1,"preset":3}`:   `profile: preset: is 3; write a name in quotes, such as "safe"`,
		`{"schema":1,"model":{}}`:   "profile: model: is an object; write the model's name in quotes, or leave model out",
		`{"schema":1,"preset":""}`:  `profile: preset: "" is none; use one of lean, paper, safe`,
		`{"schema":1,"preset":[1]}`: `profile: preset: is a list; write a name in quotes, such as "safe"`,
		`{"schema":1,"preset":"safe","heads":{"layer":0}}`:    "profile: heads: is an object; write a list [...] with an object for each head, or leave heads out",
		`{"schema":1,"preset":"safe","heads":[7]}`:            "profile: heads[0]: 7 stands where an object {...} with layer, head, mode, theta, weight is needed",
		head(`"layer":"0","head":0,"theta":8`):                `profile: heads[0]: layer is "0"; write a whole number that counts from 0`,
		head(`"layer":0,"head":1.5,"theta":8`):                "profile: heads[0]: head is 1.5; write a whole number that counts from 0",
		head(`"layer":0,"head":99999999999999999999`):         "profile: heads[0]: head is 99999999999999999999; write a whole number that counts from 0",
		head(`"layer":0,"head":0,"theta":"8"`):                `profile: heads[0]: theta is "8"; write a finite number such as 8, without quotes`,
		head(`"layer":0,"head":0,"theta":1e999`):              "profile: heads[0]: theta is 1e999; write a finite number such as 8, without quotes",
		head(`"layer":0,"head":0,"weight":true`):              "profile: heads[0]: weight is true; write a number above 0 such as 0.2, without quotes",
		head(`"layer":0,"head":0,"mode":3`):                   `profile: heads[0]: mode is 3; write "anchor", "dense" or "anchor_only", or leave the head out where the preset's way suits it`,
		head(`"layer":0,"head":0,"mode":"` + long + `"`):      `profile: heads[0]: mode is "` + long[:40] + `..."; write "anchor", "dense" or "anchor_only", or leave the head out where the preset's way suits it`,
		head(`"layer":0,"head":0,"mode":"Dense"`):             `profile: heads[0]: mode is "Dense"; write "anchor", "dense" or "anchor_only", or leave the head out where the preset's way suits it`,
		head(`"layer":null,"head":0,"mode":"dense"`):          "profile: heads[0]: layer and head are both needed, counted from 0",
		head(`"layer":0,"head":0,"mode":null,"theta":null`):   "profile: heads[0]: mode, theta and weight are all missing; say what the head has of its own",
		head(`"layer":0,"head":0,"theta":8` + long[:0] + `,`): "profile: not valid JSON: invalid character '}' looking for beginning of object key string",
	} {
		p, err := Parse([]byte(text))
		require.Nil(t, p, text)
		require.ErrorContains(t, err, want, text)
	}
}

// What a loaded profile says later, of heads that do not fit, names its file.
func TestErrorsNameTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.json")
	require.NoError(t, os.WriteFile(path, []byte(`{"schema":1,"preset":"paper","heads":[{"layer":2,"head":9,"weight":0.2}]}`), 0o600))
	p, err := Load(path)
	require.NoError(t, err)
	_, err = p.For(2, 4)
	require.EqualError(t, err, "profile: "+path+": heads[0]: layer 2 has 4 query heads, but head 9 is named; the profile is of another model")
	_, err = p.Params(2, 4)
	require.ErrorContains(t, err, path)
	require.EqualError(t, p.Check(2, 10), "profile: "+path+": heads[0]: the model has 2 layers, but layer 2 is named; the profile is of another model")
	require.ErrorContains(t, p.Check(3, 10), path+": heads[0]: weight 0.2 is of sampled rows, and preset paper has none")
	p.Preset = "fast"
	require.ErrorContains(t, p.Validate(), path+": preset")
	_, err = p.Params(0, 4)
	require.ErrorContains(t, err, path+": preset")
}
