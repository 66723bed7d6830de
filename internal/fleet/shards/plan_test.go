package shards

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// ids draws the ids of replicas.
func ids(t *rapid.T, label string, least, most int) []string {
	return rapid.SliceOfNDistinct(rapid.StringMatching(`[A-Za-z0-9]{4,22}`), least, most, rapid.ID).Draw(t, label)
}

// counts returns how many shards each replica has, and the least and the most of them.
func counts(o owners, replicas []string) (has map[string]int, least, most int) {
	has = map[string]int{}
	for _, id := range o {
		has[id]++
	}
	least, most = Count, 0
	for _, id := range replicas {
		least, most = min(least, has[id]), max(most, has[id])
	}
	return has, least, most
}

// moved returns how many shards have another owner.
func moved(from, to owners) (n int) {
	for shard := range from {
		if from[shard] != to[shard] {
			n++
		}
	}
	return n
}

func TestPlanSharesEvenly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		replicas := ids(t, "replicas", 1, 80)
		var have owners
		for shard := range have {
			have[shard] = rapid.SampledFrom(append(replicas, "")).Draw(t, "owner")
		}
		want := plan(have, replicas)
		has, least, most := counts(want, replicas)
		assert.Zero(t, has[""], "a shard without an owner")
		assert.LessOrEqual(t, most-least, 1)

		assert.Equal(t, want, plan(want, replicas), "a plan that is carried out gives no other")
		slices.Reverse(replicas)
		assert.Equal(t, want, plan(have, replicas), "the order of replicas does not matter")
	})
}

func TestPlanMovesNoMoreThanItMust(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		replicas := ids(t, "replicas", 2, 20)
		before := plan(owners{}, replicas[1:])

		joined := plan(before, replicas)
		share := joined.of(replicas[0]).Len()
		assert.Equal(t, Count/len(replicas), share)
		assert.Equal(t, share, moved(before, joined), "only what the newcomer gets moves")

		gone := joined
		for shard := range joined.of(replicas[1]).All() {
			gone[shard] = ""
		}
		left := plan(gone, slices.Delete(slices.Clone(replicas), 1, 2))
		assert.Equal(t, joined.of(replicas[1]).Len(), moved(joined, left), "only what the leaver had moves")
	})
}

// Every replica carries out its part when it can: whichever replica is first, the end is even, and
// nothing moves twice.
func TestPlanCanBeCarriedOutPieceByPiece(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		replicas := ids(t, "replicas", 2, 12)
		have := plan(owners{}, replicas[:rapid.IntRange(1, len(replicas)-1).Draw(t, "before")])
		start, moves := have, 0
		for !slices.Equal(have[:], func() []string { w := plan(have, replicas); return w[:] }()) {
			want := plan(have, replicas)
			who := rapid.SampledFrom(replicas).Draw(t, "who")
			most := rapid.IntRange(1, Count).Draw(t, "at most")
			for shard := range have.of(who).All() {
				if want[shard] != who && most > 0 {
					have[shard] = want[shard]
					most--
					moves++
				}
			}
		}
		_, least, high := counts(have, replicas)
		assert.LessOrEqual(t, high-least, 1)
		assert.Equal(t, moved(start, have), moves)
		assert.Equal(t, moved(start, plan(start, replicas)), moves)
	})
}

func TestPlanLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	var have owners
	for shard := range 20 {
		have[shard] = "not admitted"
	}
	want := plan(have, []string{"a", "b"})
	assert.Equal(t, 20, want.of("not admitted").Len())
	assert.Equal(t, 22, want.of("a").Len())
	assert.Equal(t, 22, want.of("b").Len())
	assert.Equal(t, have, plan(have, nil), "nobody to give anything to")
}

func TestWeightPrefersNobody(t *testing.T) {
	t.Parallel()
	// 200 draws among 4: each is to be preferred about every fourth time. The input is fixed, and
	// so is the outcome.
	has := map[string]int{}
	for draw := range 200 {
		var replicas []string
		for i := range 4 {
			replicas = append(replicas, fmt.Sprint(draw, "-", i))
		}
		id := prefer(draw%Count, replicas, func(string) bool { return true })
		require.NotEmpty(t, id)
		has[id[len(id)-1:]]++
	}
	for i := range 4 {
		assert.InDelta(t, 50, has[fmt.Sprint(i)], 20)
	}
}

// BenchmarkPlan is what a change costs, and shows how uneven rendezvous hashing by itself would be.
func BenchmarkPlan(b *testing.B) {
	for _, n := range []int{1, 3, 10, 64} {
		b.Run(fmt.Sprintf("replicas=%d", n), func(b *testing.B) {
			var replicas []string
			for i := range n {
				replicas = append(replicas, fmt.Sprint("replica", i))
			}
			var plain owners
			for shard := range plain {
				plain[shard] = prefer(shard, replicas, func(string) bool { return true })
			}
			_, least, most := counts(plain, replicas)
			var want owners
			for b.Loop() {
				want = plan(owners{}, replicas)
			}
			_, planLeast, planMost := counts(want, replicas)
			b.ReportMetric(float64(least), "plain-min")
			b.ReportMetric(float64(most), "plain-max")
			b.ReportMetric(float64(planLeast), "min")
			b.ReportMetric(float64(planMost), "max")
		})
	}
}
