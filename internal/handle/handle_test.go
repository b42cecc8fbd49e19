package handle

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	kindCat Kind = 1
	kindDog Kind = 2
)

func table() *Table {
	t := &Table{}
	t.Names[kindCat], t.Names[kindDog] = "a cat", "a dog"
	return t
}

func TestHandlesKeepValuesApart(t *testing.T) {
	tab := table()
	cat, err := tab.Add(kindCat, "tom")
	require.NoError(t, err)
	dog, err := tab.Add(kindDog, "rex")
	require.NoError(t, err)
	assert.NotEqual(t, cat, dog)
	got, err := tab.Get(kindCat, cat)
	require.NoError(t, err)
	assert.Equal(t, "tom", got)
	got, err = tab.Take(kindDog, dog)
	require.NoError(t, err)
	assert.Equal(t, "rex", got)
	assert.Equal(t, 1, tab.Len())
}

func TestWrongHandlesSayWhatIsWrong(t *testing.T) {
	tab := table()
	cat, err := tab.Add(kindCat, "tom")
	require.NoError(t, err)
	for _, c := range []struct {
		name   string
		handle Handle
		says   string
	}{
		{"zero", 0, "is zero; a dog is needed"},
		{"other kind", cat, "is a cat; a dog is needed"},
		{"beyond the slots", cat + 1, "was never given out"},
		{"later generation", cat + 1<<slotBits, "was never given out"},
		{"generation 0", cat &^ (maxGeneration << slotBits), "was never given out"},
		{"unknown kind", cat | 0xff<<(slotBits+generationBits), "was never given out"},
		{"made-up kind", cat&^(0xff<<(slotBits+generationBits)) | Handle(kindDog)<<(slotBits+generationBits), "was never given out"},
		{"all bits", ^Handle(0), "was never given out"},
		{"small number", 5, "was never given out"},
	} {
		_, err := tab.Get(kindDog, c.handle)
		var wrong *Error
		require.ErrorAs(t, err, &wrong, c.name)
		assert.Contains(t, err.Error(), c.says, c.name)
	}
}

func TestClosedHandlesStayClosedWhenTheirSlotIsUsedAgain(t *testing.T) {
	tab := table()
	var closed []Handle
	for range 100 {
		h, err := tab.Add(kindCat, "tom")
		require.NoError(t, err)
		for _, old := range closed {
			_, err := tab.Get(kindCat, old)
			require.ErrorContains(t, err, "was closed")
		}
		_, err = tab.Take(kindCat, h)
		require.NoError(t, err)
		_, err = tab.Take(kindCat, h)
		require.ErrorContains(t, err, "was closed")
		closed = append(closed, h)
	}
	assert.Len(t, tab.slots, 1, "one slot serves all of them")
}

func TestASpentSlotIsNotUsedAgain(t *testing.T) {
	tab := table()
	h, err := tab.Add(kindCat, "tom")
	require.NoError(t, err)
	_, err = tab.Take(kindCat, h)
	require.NoError(t, err)
	tab.slots[0].generation = maxGeneration - 1
	last, err := tab.Add(kindCat, "last")
	require.NoError(t, err)
	require.Equal(t, 0, last.slot())
	_, err = tab.Take(kindCat, last)
	require.NoError(t, err)
	next, err := tab.Add(kindCat, "next")
	require.NoError(t, err)
	assert.Equal(t, 1, next.slot())
	_, err = tab.Get(kindCat, last)
	require.ErrorContains(t, err, "was closed")
}

func TestTableFromManyGoroutines(t *testing.T) {
	tab := table()
	var all sync.WaitGroup
	for g := range 8 {
		all.Add(1)
		go func() {
			defer all.Done()
			for i := range 1000 {
				value := g*1000 + i
				h, err := tab.Add(kindDog, value)
				if !assert.NoError(t, err) {
					return
				}
				got, err := tab.Take(kindDog, h)
				if !assert.NoError(t, err) || !assert.Equal(t, value, got) {
					return
				}
			}
		}()
	}
	all.Wait()
	assert.Zero(t, tab.Len())
}
