package config_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/c4342123/rollcall/internal/config"
)

func TestBotRules(t *testing.T) {
	path := file(t, "settings.yaml", "bot_rules: c.yaml\n")
	cases := map[string]struct {
		env  []string
		args []string
		want string
		from string
	}{
		"flag":        {[]string{"ROLLCALL_BOT_RULES=b.yaml"}, []string{"--config=" + path, "--bot-rules=a.yaml"}, "a.yaml", "--bot-rules"},
		"short flag":  {[]string{"ROLLCALL_BOT_RULES=b.yaml"}, []string{"--config=" + path, "--rules", "a.yaml"}, "a.yaml", "--bot-rules"},
		"environment": {[]string{"ROLLCALL_BOT_RULES=b.yaml"}, []string{"--config=" + path}, "b.yaml", "ROLLCALL_BOT_RULES"},
		"file":        {nil, []string{"--config=" + path}, "c.yaml", path + ":1: bot_rules"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := call(t, c.env, append([]string{"bot"}, c.args...)...)
			v := value(t, got, "bot-rules")
			assert.Equal(t, c.want, got.bot.Rules)
			assert.Equal(t, c.want, v.Value)
			assert.Equal(t, c.from, v.Origin.String())
		})
	}
	refused(t, call(t, nil, "bot"), "--bot-rules (ROLLCALL_BOT_RULES, bot_rules)", "is required")
	refused(t, call(t, []string{"ROLLCALL_BOT_RULE=x"}, "bot"), "ROLLCALL_BOT_RULE", "did you mean ROLLCALL_BOT_RULES?")
}

// One settings file serves all commands: those of the bot are not unknown to the others.
func TestBotRulesInTheFileOfTheService(t *testing.T) {
	path := file(t, "settings.yaml", "bot_rules: c.yaml\n")
	got := call(t, with("ROLLCALL_BOT_RULES=b.yaml"), "serve", "--config="+path)
	assert.Equal(t, config.ExitDone, got.code, got.stderr)
	assert.Empty(t, got.invocation.Warnings)
	for _, setting := range got.invocation.Settings {
		assert.NotEqual(t, "bot-rules", setting.Name)
	}
}

func TestReadStrictYAML(t *testing.T) {
	type part struct {
		Token config.Secret `yaml:"token"`
		On    bool          `yaml:"on"`
		Parts []string      `yaml:"parts"`
		Count int           `yaml:"count"`
	}
	type whole struct {
		Name   string          `yaml:"name"`
		Robots map[string]part `yaml:"robots"`
	}
	const secret = "s3cret-s3cret"
	for name, c := range map[string]struct {
		text string
		says []string
	}{
		"empty":              {"", []string{"x.yaml: is empty"}},
		"comments only":      {"# a\n", []string{"x.yaml:"}},
		"null":               {"null\n", []string{"x.yaml:1: something has no value"}},
		"no value":           {"name: a\nrobots: {a: {parts: [x, ~]}}\n", []string{"x.yaml:2: something has no value"}},
		"unknown key":        {"name: a\ncolour: red\n", []string{"x.yaml:2: unknown key colour"}},
		"two faults":         {"colour: red\nrobots: {a: {tokn: " + secret + "}}\n", []string{"x.yaml:1: unknown key colour; 2: unknown key tokn"}},
		"key twice":          {"name: a\nname: b\n", []string{"x.yaml:", "already", "2"}},
		"text for a mapping": {"robots: " + secret, []string{"x.yaml:1: a single value where a mapping is wanted"}},
		"text for a list":    {"robots: {a: {parts: " + secret + "}}", []string{"x.yaml:1: a single value where a list is wanted"}},
		"text for a bool":    {"robots: {a: {on: " + secret + "}}", []string{"a single value where true or false is wanted"}},
		"text for a number":  {"robots: {a: {count: " + secret + "}}", []string{"a single value where a number is wanted"}},
		"list for a secret":  {"robots: {a: {token: [" + secret + "]}}", []string{"a list where a text is wanted"}},
		"mapping for a text": {"name: {a: " + secret + "}", []string{"a mapping where a text is wanted"}},
		"anchor":             {"name: *" + secret, []string{"x.yaml: unknown anchor"}},
		"no YAML":            {"name: [", []string{"x.yaml:1"}},
		"second document":    {"name: a\n---\nname: b\n", []string{"a second document"}},
		"no second document": {"name: a\n---\n[\n", []string{"x.yaml:"}},
	} {
		t.Run(name, func(t *testing.T) {
			var into whole
			err := config.ReadStrictYAML(file(t, "x.yaml", c.text), &into)
			for _, text := range c.says {
				assert.ErrorContains(t, err, text)
			}
			assert.NotContains(t, err.Error(), secret)
			assert.NotContains(t, err.Error(), "config")
		})
	}
	var into whole
	assert.NoError(t, config.ReadStrictYAML(file(t, "x.yaml", "name: a\nrobots: {b: {token: c}}"), &into))
	assert.Equal(t, whole{Name: "a", Robots: map[string]part{"b": {Token: "c"}}}, into)
	assert.Error(t, config.ReadStrictYAML("/nowhere", &into))
}

func TestReadSecretFile(t *testing.T) {
	secret, err := config.ReadSecretFile(file(t, "secret", "s3cret\r\n"))
	assert.NoError(t, err)
	assert.Equal(t, "s3cret", secret.Reveal())
	_, err = config.ReadSecretFile("/nowhere")
	assert.ErrorContains(t, err, "/nowhere")
}
