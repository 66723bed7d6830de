package config_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/c4342123/rollcall/internal/config"
)

func TestTheMonthOfAnEdition(t *testing.T) {
	assumed := func(d config.DingTalk) config.DingTalk { d.EditionAssumed = true; return d }
	by := func(e config.Edition) config.DingTalk {
		return config.DingTalk{Edition: e, MonthlyCalls: config.QuotaOfEdition, MonthlyPushes: config.QuotaOfEdition}
	}
	standard := by(config.EditionStandard)
	numbers := standard
	numbers.MonthlyCalls, numbers.MonthlyPushes = 700, 0
	calls := standard
	calls.MonthlyCalls = 0
	for name, c := range map[string]struct {
		d     config.DingTalk
		older bool
		want  config.Month
	}{
		"standard":                    {standard, false, config.Month{Calls: 5000, Pushes: 3000}},
		"professional":                {by(config.EditionProfessional), false, config.Month{Calls: 200_000, Pushes: 50_000}},
		"a pack":                      {by(config.EditionPack), false, config.Month{Calls: 5_000_000, Pushes: 500_000}},
		"numbers win":                 {numbers, false, config.Month{Calls: 700}},
		"assumed":                     {assumed(standard), false, config.Month{Calls: 5000, Pushes: 3000}},
		"assumed where it is older":   {assumed(standard), true, config.Month{}},
		"said where it is older":      {standard, true, config.Month{Calls: 5000, Pushes: 3000}},
		"calls where it is older":     {assumed(numbers), true, config.Month{Calls: 700}},
		"no limit where it is older":  {assumed(calls), true, config.Month{Pushes: 3000}},
		"settings that were not read": {config.DingTalk{}, false, config.Month{}},
	} {
		assert.Equal(t, c.want, c.d.Month(c.older), name)
	}
	assert.True(t, assumed(standard).Unlimited(true))
	assert.False(t, assumed(calls).Unlimited(true), "somebody has said so")
}
