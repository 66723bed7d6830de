package shards

import (
	"cmp"
	"hash/fnv"
	"slices"
)

// plan returns who is to have each shard: every replica its fair share, give or take one, and no
// shard moved without need. have names the owners at present, "" for shards that are free; owners
// that are not among the replicas keep what they have. A shard that has to go somewhere goes to the
// replica that rendezvous hashing prefers among those with room.
//
// The same input gives the same plan wherever it is made, and a plan that is carried out gives no
// other.
func plan(have owners, replicas []string) owners {
	if len(replicas) == 0 {
		return have
	}
	held := make(map[string]int, len(replicas))
	for _, id := range replicas {
		held[id] = have.of(id).Len()
	}
	quota := quotas(have, held)
	want := have
	for _, id := range replicas {
		for _, shard := range dispensable(have.of(id), id, held[id]-quota[id]) {
			want[shard] = ""
			held[id]--
		}
	}
	for shard, owner := range want {
		if owner == "" {
			want[shard] = prefer(shard, replicas, func(id string) bool { return held[id] < quota[id] })
			held[want[shard]]++
		}
	}
	return want
}

// quotas shares the shards that the replicas have or can have. What does not divide evenly goes to
// those that have most.
func quotas(have owners, held map[string]int) map[string]int {
	total := 0
	for _, owner := range have {
		if _, ours := held[owner]; ours || owner == "" {
			total++
		}
	}
	ids := make([]string, 0, len(held))
	for id := range held {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b string) int { return cmp.Or(held[b]-held[a], cmp.Compare(a, b)) })
	quota := make(map[string]int, len(ids))
	for i, id := range ids {
		quota[id] = total / len(ids)
		if i < total%len(ids) {
			quota[id]++
		}
	}
	return quota
}

// dispensable returns the n shards of a set that rendezvous hashing would give to id last.
func dispensable(set Set, id string, n int) []int {
	if n <= 0 {
		return nil
	}
	shards := slices.SortedFunc(set.All(), func(a, b int) int { return cmp.Compare(weight(a, id), weight(b, id)) })
	return shards[:n]
}

// prefer returns the replica with the greatest weight for a shard among those with room.
func prefer(shard int, replicas []string, room func(id string) bool) (best string) {
	var most uint64
	for _, id := range replicas {
		if w := weight(shard, id); room(id) && (best == "" || w > most || w == most && id < best) {
			best, most = id, w
		}
	}
	return best
}

// weight is the rendezvous hash of a shard and a replica.
func weight(shard int, id string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id))
	_, _ = h.Write([]byte{0, byte(shard)})
	// FNV barely stirs what comes last: finish as splitmix64 does.
	x := h.Sum64()
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
