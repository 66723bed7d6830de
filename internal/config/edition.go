package config

import (
	"fmt"
	"math"
	"strconv"
)

// Edition is an edition of DingTalk: it says how much an organisation may use in a calendar month.
// The zero value, of settings that were not read by [Program], has no limits.
type Edition string

// The editions, and the pack of calls that can be bought with any of them.
const (
	EditionStandard     Edition = "standard"
	EditionProfessional Edition = "professional"
	EditionPack         Edition = "pack"
)

// quotas are what the editions have in a calendar month, all apps of the organisation together, as
// DingTalk documents them. Messages of custom robots count as pushes.
var quotas = map[Edition]struct{ calls, pushes int }{
	EditionStandard:     {5_000, 3_000},
	EditionProfessional: {200_000, 50_000},
	EditionPack:         {5_000_000, 500_000},
}

// Quota is how much of something a calendar month has; 0 is no limit, and [QuotaOfEdition] what the
// edition has.
type Quota int64

// QuotaOfEdition is that nobody has set how much there is.
const QuotaOfEdition Quota = -1

// String returns the number, nothing where the edition decides.
func (q Quota) String() string {
	if q == QuotaOfEdition {
		return ""
	}
	return strconv.FormatInt(int64(q), 10)
}

func parseQuota(text string) (Quota, error) {
	if text == "" {
		return QuotaOfEdition, nil
	}
	n, err := parseInt[int64](text)
	switch {
	case err != nil:
		return 0, err
	case n < 0:
		return 0, fmt.Errorf("%d is negative", n)
	case n > math.MaxInt32:
		return 0, fmt.Errorf("%d is more than %d; 0 is no limit", n, math.MaxInt32)
	}
	return Quota(n), nil
}

// Month is how much of a calendar month's calls and pushes may be used; 0 is no limit.
type Month struct{ Calls, Pushes int }

// Month returns what may be used in a month. An installation that is older than the editions goes
// on without a limit until somebody sets one, by the edition or by a number: it may have been
// planned for more than the standard edition has.
func (d DingTalk) Month(older bool) Month {
	quota := quotas[d.Edition]
	if d.Unlimited(older) {
		quota.calls, quota.pushes = 0, 0
	}
	return Month{Calls: d.MonthlyCalls.or(quota.calls), Pushes: d.MonthlyPushes.or(quota.pushes)}
}

// Unlimited tells whether an installation has no limit of calls only because it is older than the
// editions and nobody has set one since.
func (d DingTalk) Unlimited(older bool) bool {
	return older && d.EditionAssumed && d.MonthlyCalls == QuotaOfEdition
}

func (q Quota) or(n int) int {
	if q == QuotaOfEdition {
		return n
	}
	return int(q)
}
