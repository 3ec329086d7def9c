"""Go templates with Sprig and Helm functions: every expected text was printed by Helm 3.17 for the same template and values."""

from __future__ import annotations

import pytest
from opslint.base.location import Places
from opslint.model import helm_objects
from opslint.model.gotemplate_eval import Defined, Machine
from opslint.model.gotemplate_values import Opaque, RenderError, from_node
from opslint.syntax import gotemplate
from opslint.syntax.document import ReadProblem
from opslint.syntax.yaml import build

VALUES = """
s: hello
port: 80
big: 1000000
f: 1.5
t: true
off: false
n0:
l: [a, 2, true]
m: {b: 2, a: one}
empty: []
deep: {x: {y: z, list: [{k: 1, j: [1, 2]}, two]}}
tplv: "<{{ .Values.s | upper }}>"
emptys: ""
zero: 0
strfalse: "false"
oct: 0644
ver: 1.20
quotednum: "12"
date: 2020-01-01
yes: yes
hex: 0x1F
neg: -5
tree:
  z: 1
  a: ["x y", "1", null]
  m: {}
"""

HELPERS = '{{ define "named" }}N{{ .a }}{{ .root.Values.s }}{{ end }}{{ define "rec" }}{{ include "rec" . }}{{ end }}'

CASES = [
    ("{{ .Values.s }}", "hello"),
    ("{{ .Values.port }}|{{ .Values.big }}|{{ .Values.f }}", "80|1e+06|1.5"),
    ("{{ .Values.missing }}|{{ .Values.n0 }}", "|"),
    ('a {{- " b " -}} c', "a b c"),
    ('a {{ "x" }}{{- /* gone */ -}} b', "a xb"),
    ("{{/* only */}}x", "x"),
    ("{{ if .Values.t }}yes{{ else }}no{{ end }}", "yes"),
    ("{{ if and .Values.t .Values.s }}1{{ end }}{{ if or .Values.off .Values.missing }}2{{ else }}3{{ end }}", "13"),
    ('{{ and .Values.t .Values.s }} {{ or .Values.off "d" }} {{ and .Values.off "x" }} {{ or .Values.missing 0 }}', "hello d  0"),
    ('{{ if eq .Values.s "x y" "hello" }}in{{ end }}', "in"),
    ("{{ if not .Values.m }}empty{{ else }}full{{ end }}", "full"),
    ("{{ if .Values.off }}a{{ else if .Values.missing }}b{{ else if .Values.t }}c{{ else }}d{{ end }}", "c"),
    ("{{ with .Values.m }}{{ .a }}-{{ $.Values.s }}{{ end }}{{ with .Values.missing }}x{{ else }}none{{ end }}", "one-hellonone"),
    ("{{ range .Values.l }}[{{ . }}]{{ end }}", "[a][2][true]"),
    ("{{ range $i, $v := .Values.l }}{{ $i }}={{ $v }},{{ end }}", "0=a,1=2,2=true,"),
    ("{{ range $k, $v := .Values.m }}{{ $k }}={{ $v }};{{ end }}", "a=one;b=2;"),
    ("{{ range .Values.empty }}x{{ else }}nothing{{ end }}", "nothing"),
    (
        "{{ range $i := until 5 }}{{ if eq $i 1 }}{{ continue }}{{ end }}{{ if eq $i 3 }}{{ break }}{{ end }}{{ $i }}{{ end }}",
        "02",
    ),
    ("{{ $x := 1 }}{{ range .Values.l }}{{ $x = add $x 1 }}{{ end }}{{ $x }}", "4"),
    ("{{ $x := 1 }}{{ if true }}{{ $x := 2 }}{{ $x }}{{ end }}{{ $x }}", "21"),
    ("{{ .Values.m | toYaml }}", "a: one\nb: 2"),
    ("{{ toYaml .Values.l | indent 4 }}", "    - a\n    - 2\n    - true"),
    (
        "{{ toYaml .Values.deep | nindent 2 }}",
        '\n  x:\n    list:\n    - j:\n      - 1\n      - 2\n      k: 1\n    - two\n    "true": z',
    ),
    (
        "{{ .Values.l }} {{ .Values.m }} {{ .Values.deep }}",
        "[a 2 true] map[a:one b:2] map[x:map[list:[map[j:[1 2] k:1] two] true:z]]",
    ),
    ('{{ quote .Values.s .Values.port }} {{ .Values.missing | quote }}| {{ squote "a\'b" }}', '"hello" "80" | \'a\'b\''),
    ('{{ "a\\"b\\\\c" | quote }}', '"a\\"b\\\\c"'),
    (
        '{{ default "d" .Values.missing }} {{ default "d" "" }} {{ default "d" 0 }} {{ default "d" false }} {{ .Values.port | default 3 }}',
        "d d d d 80",
    ),
    ('{{ printf "%s-%d-%v-%q-%t-%5d|%-5s|%05d" "a" 3 .Values.port "q" true 42 "l" 7 }}', 'a-3-80-"q"-true-   42|l    |00007'),
    ('{{ printf "%d %s %.2f %f" .Values.port 3 1.456 .Values.f }}', "%!d(float64=80) %!s(int=3) 1.46 1.500000"),
    ('{{ printf "%s %s" "one" }} {{ printf "%d" "x" }} {{ printf "x" 1 }}', "one %!s(MISSING) %!d(string=x) x%!(EXTRA int=1)"),
    ('{{ printf "%v %v" .Values.l nil }}', "[a 2 true] <nil>"),
    ('{{ print "a" 1 2 "b" 3 }} {{ println "x" 1 }}', "a1 2b3 x 1\n"),
    (
        '{{ trunc 3 "abcdef" }} {{ trunc -3 "abcdef" }} {{ "abc-" | trimSuffix "-" }} {{ trimPrefix "v" "v1" }} {{ trim "  a " }} {{ trimAll "$" "$5$" }}',
        "abc def abc 1 a 5",
    ),
    (
        '{{ upper "abc" }} {{ lower "ABC" }} {{ title "hello world" }} {{ untitle "Hello World" }} {{ camelcase "http_server" }} {{ snakecase "FirstName" }} {{ kebabcase "FirstName" }}',
        "ABC abc Hello World hello world HttpServer first_name first-name",
    ),
    (
        '{{ replace "a" "b" "banana" }} {{ "a+b" | replace "+" "_" }} {{ repeat 3 "ab" }} {{ substr 0 5 "hello world" }} {{ nospace "a b c" }}',
        "bbnbnb a_b ababab hello abc",
    ),
    ('{{ contains "el" "hello" }} {{ hasPrefix "he" "hello" }} {{ hasSuffix "lo" "hello" }}', "true true true"),
    (
        '{{ list 1 2 3 | first }} {{ list 1 2 3 | last }} {{ rest (list 1 2 3) }} {{ initial (list 1 2 3) }} {{ append (list 1) 2 }} {{ prepend (list 1) 0 }} {{ concat (list 1) (list 2) }} {{ reverse (list 1 2) }} {{ uniq (list 1 1 2) }} {{ without (list 1 2 3) 2 }} {{ has 2 (list 1 2) }} {{ compact (list 0 1 "") }} {{ slice (list 1 2 3) 1 2 }} {{ len (list 1 2) }}',
        "1 3 [2 3] [1 2] [1 2] [0 1] [1 2] [2 1] [1 2] [1 3] true [1] [2] 2",
    ),
    (
        '{{ join "," (list "a" "b") }} {{ join "," .Values.l }} {{ splitList "," "a,b,c" }} {{ (split "/" "a/b")._1 }} {{ sortAlpha (list "b" "a") }} {{ until 3 }} {{ untilStep 1 10 3 }} {{ seq 1 5 }} {{ seq 3 }}',
        "a,b a,2,true [a b c] b [a b] [0 1 2] [1 4 7] 1 2 3 4 5 1 2 3",
    ),
    (
        '{{ $d := dict "a" 1 "b" "x" }}{{ $d.a }} {{ get $d "b" }} {{ get $d "zz" }}| {{ hasKey $d "a" }} {{ keys $d | sortAlpha }} {{ pick $d "a" }} {{ omit $d "a" }} {{ $_ := set $d "c" 3 }}{{ $d }} {{ $_ := unset $d "a" }}{{ $d }}',
        "1 x | true [a b] map[a:1] map[b:x] map[a:1 b:x c:3] map[b:x c:3]",
    ),
    (
        '{{ merge (dict "a" 1) (dict "a" 2 "b" 3) }} {{ mergeOverwrite (dict "a" 1 "x" (dict "y" 1)) (dict "a" 2 "x" (dict "z" 3)) }} {{ pluck "a" (dict "a" 1) (dict "a" 2) }} {{ dig "a" "b" "no" (dict "a" (dict "b" 1)) }} {{ dig "a" "c" "no" (dict "a" (dict "b" 1)) }}',
        "map[a:1 b:3] map[a:2 x:map[y:1 z:3]] [1 2] 1 no",
    ),
    (
        '{{ merge (dict "a" "" "b" false) (dict "a" "set" "b" true) }} {{ mergeOverwrite (dict "a" "keep") (dict "a" "") }}',
        "map[a:set b:true] map[a:]",
    ),
    (
        '{{ coalesce "" nil "x" "y" }} {{ ternary "yes" "no" true }} {{ true | ternary "yes" "no" }} {{ empty "" }} {{ empty .Values.m }} {{ all 1 0 }} {{ any 0 1 }}',
        "x yes yes true false false true",
    ),
    (
        '{{ add 1 2 3 }} {{ sub 5 2 }} {{ mul 2 3 }} {{ div 7 2 }} {{ mod 7 3 }} {{ max 1 5 2 }} {{ min 3 1 }} {{ ceil 1.2 }} {{ floor 1.8 }} {{ round 1.256 2 }} {{ add1 4 }} {{ int "12" }} {{ int64 .Values.port }} {{ float64 "1.5" }} {{ int 3.9 }} {{ atoi "07" }} {{ int "abc" }}',
        "6 3 6 3 1 5 1 2 1 1.26 5 12 80 1.5 3 7 0",
    ),
    (
        '{{ lt 1 2 }} {{ le 2 2 }} {{ gt 1 2 }} {{ ge 3 2 }} {{ ne 1 2 }} {{ eq "a" "a" }} {{ lt "a" "b" }} {{ eq .Values.port 80.0 }} {{ eq (int .Values.port) 80 }}',
        "true true false true true true true true true",
    ),
    (
        '{{ index .Values.l 1 }} {{ index .Values.m "a" }} {{ index .Values "deep" "x" "y" }} {{ index .Values.m "zz" }}| {{ len .Values.s }} {{ len .Values.m }}',
        "2 one  | 5 2",
    ),
    (
        '{{ kindOf .Values.port }} {{ kindOf "a" }} {{ kindOf .Values.l }} {{ kindOf .Values.m }} {{ kindOf true }} {{ kindOf 1 }} {{ kindIs "string" .Values.s }} {{ typeOf .Values.port }} {{ kindOf nil }} {{ typeOf .Values.l }}',
        "float64 string slice map bool int true float64 invalid []interface {}",
    ),
    (
        '{{ b64enc "hi" }} {{ b64dec "aGk=" }} {{ sha256sum "a" }} {{ toJson .Values.m }} {{ toJson (list 1 "a" nil true) }} {{ (fromJson "{\\"a\\":1}").a }} {{ (fromYaml "a: 5\\nb: [1]").a }} {{ fromYamlArray "- 1\\n- b" }}',
        'aGk= hi ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb {"a":"one","b":2} [1,"a",null,true] 1 5 [1 b]',
    ),
    (
        '{{ regexMatch "^[a-z]+$" "abc" }} {{ regexReplaceAll "a(x*)b" "-ab-axxb-" "${1}W" }} {{ regexFind "[0-9]+" "ab12" }} {{ regexSplit "z+" "pizza" -1 }} {{ regexReplaceAllLiteral "[^-a-z]" "a_b" "-" }} {{ regexFindAll "[2,4,6,8]" "123456789" -1 }}',
        "true -W-xxW- 12 [pi a] a-b [2 4 6 8]",
    ),
    (
        '{{ semverCompare ">=1.19-0" "v1.30.2" }} {{ semverCompare "<1.14-0" "1.30.0" }} {{ semverCompare "^1.2" "1.5.0" }} {{ semverCompare "~1.2" "1.3.0" }} {{ semverCompare "1.2.x" "1.2.9" }} {{ semverCompare ">=1.21.0-0 || <1.0" "1.20.0" }} {{ (semver "1.2.3").Minor }}',
        "true false true false true false 2",
    ),
    ('{{ tpl "{{ .Values.s }}-{{ .Chart.Name }}" . }} {{ tpl .Values.tplv . }}', "hello-oracle <HELLO>"),
    ('{{ include "named" (dict "a" 1 "root" $) }}', "N1hello"),
    ('{{ template "named" dict "a" 2 "root" $ }}', "N2hello"),
    ('{{ include "named" (dict "a" 1 "root" $) | upper | quote }}', '"N1HELLO"'),
    ('{{ block "blk" . }}B{{ .Values.s }}{{ end }}', "Bhello"),
    (
        "{{ .Chart.Name }} {{ .Chart.Version }} {{ .Chart.AppVersion }} {{ .Release.Service }} {{ .Template.BasePath }}",
        "oracle 0.1.0 1.2 Helm oracle/templates",
    ),
    ("{{ (.Values.missing).x }}|{{ ((.Values.missing).x).y }}", "|"),
    (
        "{{ 0x1F }} {{ 1_000 }} {{ 'a' }} {{ 1.5e3 }} {{ -3 }} {{ `raw {{ x }}` }} {{ 017 }} {{ 1e6 }}",
        "31 1000 97 1500 -3 raw {{ x }} 15 1e+06",
    ),
    ('{{ "a" | cat "b" "c" }} {{ toString 3.0 }} {{ .Values.port | toString }} {{ list "x" | toString }}', "b c a 3 80 [x]"),
    (
        '{{ if eq "" .Values.emptys }}e{{ end }} {{ if .Values.zero }}z{{ else }}nz{{ end }} {{ if .Values.strfalse }}sf{{ end }}',
        "e nz sf",
    ),
    (
        "{{ .Values.m.a | upper | quote }} {{ (index .Values.l 0) | quote }} {{ .Values.port | quote }} {{ .Values.t | quote }} {{ .Values.big | int }} {{ .Values.big | quote }}",
        '"ONE" "a" "80" "true" 1000000 "1e+06"',
    ),
    ("{{- with $x := .Values.s -}} {{ $x }} {{- end -}}", "hello"),
    ('{{ range tuple "a" "b" }}{{ . }}{{ end }} {{ range $k, $_ := dict "b" 1 "a" 2 }}{{ $k }}{{ end }}', "ab ab"),
    (
        '{{ toYaml .Values.f }} {{ toYaml .Values.big }} {{ toYaml "x" }} {{ toYaml nil }} {{ toJson .Values.big }}',
        "1.5 1000000 x null 1000000",
    ),
    ('{{ .Files.Get "nope" }}|{{ .Files.Get "data.txt" }}|{{ .Files.Lines "data.txt" }}', "|one\ntwo\n|[one two]"),
    ('{{ wrap 5 "aa bb cc" }}', "aa bb\ncc"),
    (
        '{{ list "a" "b" | has "a" }} {{ has 80.0 (list .Values.port) }} {{ dict "a" (dict "b" 2) | toJson }} {{ deepCopy .Values.m }} {{ values (dict "a" 1) }} {{ chunk 2 (list 1 2 3) }}',
        'true true {"a":{"b":2}} map[a:one b:2] [1] [[1 2] [3]]',
    ),
    (
        "{{ .Values.oct }} {{ .Values.ver }} {{ .Values.quotednum }} {{ .Values.date }} {{ .Values.yes }} {{ .Values.hex }} {{ .Values.neg }}",
        "420 1.2 12 2020-01-01  31 -5",
    ),
    (
        '{{ urlParse "http://u@h:80/p?q=1#f" | toJson }} {{ base "a/b.txt" }} {{ dir "a/b.txt" }} {{ ext "a/b.txt" }} {{ clean "a//b" }}',
        '{"fragment":"f","host":"h:80","hostname":"h","opaque":"","path":"/p","query":"q=1","scheme":"http","userinfo":"u"} b.txt a .txt a/b',
    ),
    (
        '{{ "hello" | abbrev 4 }} {{ initials "First Try" }} {{ plural "one" "many" 2 }} {{ swapcase "aB" }} {{ mul 1.5 2 }} {{ divf 7 2 }} {{ addf 1.5 2 }} {{ substr 2 -1 "hello" }}',
        "h... FT many Ab 2 3.5 3.5 llo",
    ),
    ("{{ .Values.tree | toYaml | nindent 4 }}", '\n    a:\n    - x y\n    - "1"\n    - null\n    m: {}\n    z: 1'),
    (
        '{{ html "<a>" }} {{ urlquery "a b&c" }} {{ eq nil nil }} {{ eq .Values.missing nil }} {{ eq .Values.missing "x" }}',
        "&lt;a&gt; a+b%26c true true false",
    ),
]

REFUSED = [
    "{{ .Values.missing.x }}",
    "{{ eq .Values.port 80 }}",
    '{{ fail "no" }}',
    "{{ nosuchfunction 1 }}",
    '{{ include "nosuch" . }}',
    "{{ .Values.s.x }}",
    "{{ if }}x{{ end }}",
    "{{ if true }}x",
    "{{ index .Values.l 9 }}",
    '{{ lt 1 "a" }}',
    "{{ len nil }}",
    "{{ .Values.s 1 }}",
    "{{ $undefined }}",
    "{{ range .Values.s }}x{{ end }}",
    '{{ "a" | "b" }}',
    '{{ upper "a" "b" }}',
    "{{ end }}",
    "{{ eq .Values.l .Values.l }}",
    "{{ .Chart.Nope }}",
    '{{ ternary 1 2 "x" }}',
    '{{ include "rec" . }}',
    '{{ hasKey .Values.missing "a" }}',
    '{{ template "nosuch" }}',
    "{{ range .Values.port }}x{{ end }}",
]


def render(source: str, **more: object) -> tuple[str, Machine]:
    """Render one template with the values above."""
    values = from_node(build(VALUES.encode(), Places())[0], lambda _node: ("values.yaml", (1, 1, 1, 1)))
    parsed = gotemplate.parse(source)
    defined = {**gotemplate.parse(HELPERS).defines, **parsed.defines}
    machine = Machine({name: Defined(body=body, path="t") for name, body in defined.items()})
    files = {"data.txt": b"one\ntwo\n"}
    dot = {
        "Values": {**values, **more},
        "Chart": helm_objects.chart_scope({"name": "oracle", "version": "0.1.0", "appVersion": "1.2"}),
        "Release": helm_objects.release("rel", None),
        "Capabilities": helm_objects.capabilities(),
        "Files": helm_objects.files(sorted(files), files.get),
        "Template": {"Name": "x", "BasePath": "oracle/templates"},
    }
    return "".join(piece.text for piece in machine.render("t", parsed.body, dot)), machine


@pytest.mark.parametrize("source, expected", CASES)
def test_renders_as_helm_does(source: str, expected: str) -> None:
    assert render(source)[0] == expected


@pytest.mark.parametrize("source", REFUSED)
def test_refuses_what_helm_refuses(source: str) -> None:
    with pytest.raises((RenderError, ReadProblem)):
        render(source)


UNKNOWN = [
    ("{{ if .Values.u }}a{{ else }}b{{ end }}", "a", True),
    ('{{ if eq .Values.u "x" }}a{{ end }}', "a", True),
    ("{{ if and .Values.u .Values.off }}a{{ else }}b{{ end }}", "b", False),
    ("{{ if or .Values.u .Values.t }}a{{ else }}b{{ end }}", "a", False),
    ("{{ if not .Values.u }}a{{ end }}", "a", True),
    ('{{ .Values.u | default "d" }}', "unknown-value", False),
    ("x-{{ .Values.u }}-y", "x-unknown-value-y", False),
    ('{{ printf "%s:%s" "repo" .Values.u | quote }}', '"repo:unknown-value"', False),
    ("{{ range .Values.u }}r{{ end }}", "r", True),
    ("{{ with .Values.u }}{{ .any.field }}{{ end }}", "unknown-value", True),
    ('{{ if contains "a" (printf "%s" .Values.u) }}a{{ end }}', "a", True),
    ('{{ required "give it" .Values.missing }}', "unknown-value", False),
    ("{{ randAlphaNum 8 }}", "unknown-value", False),
    ('{{ (lookup "v1" "Secret" "ns" "n").data }}', "unknown-value", False),
    ("{{ .Values.u | b64enc | quote }}", '"unknown-value"', False),
    ('{{ ternary "a" "b" .Values.u }}', "unknown-value", False),
    ('{{ toYaml (dict "k" .Values.u) }}', "k: unknown-value", False),
]


@pytest.mark.parametrize("source, expected, opens", UNKNOWN)
def test_unknown_values(source: str, expected: str, opens: bool) -> None:
    text, machine = render(source, u=Opaque("not known"))
    assert text == expected
    assert bool(machine.open_reasons) is opens


HOSTILE = [
    '{{ repeat 1000000000 "a" }}',
    "{{ range until 100000000 }}x{{ end }}",
    "{{ range until 20000 }}{{ range until 20000 }}x{{ end }}{{ end }}",
    '{{ $x := "aaaaaaaaaa" }}{{ range until 60 }}{{ $x = printf "%s%s" $x $x }}{{ end }}',
    '{{ indent 9999999 "a" }}',
    '{{ printf "%999999999d" 1 }}',
    '{{ define "a" }}{{ include "b" . }}{{ end }}{{ define "b" }}{{ include "a" . }}{{ end }}{{ include "a" . }}',
    "{{ tpl .Values.loop . }}",
    "{{ seq 0 1000000000 }}",
    "{{ $l := list 1 }}{{ range until 40 }}{{ $l = list $l $l }}{{ end }}{{ toYaml $l }}",
    "{{ " + "(" * 500 + "1" + ")" * 500 + " }}",
    "{{ if true }}" * 500 + "{{ end }}" * 500,
    "{{" + "{" * 1000,
    "{{ `unclosed",
    "{{/* unclosed",
    '{{ "unclosed }}',
    "{{ .a",
    "{{ else }}",
    "{{ 9" + "9" * 5000 + " }}",
]


@pytest.mark.parametrize("source", HOSTILE)
def test_hostile_templates_end(source: str) -> None:
    with pytest.raises((RenderError, ReadProblem)):
        render(source, loop="{{ tpl .Values.loop . }}")


def test_costly_patterns_are_not_run() -> None:
    assert render('{{ regexMatch "^(a+)+$" (repeat 60 "a") }}')[0] == "unknown-value"
    assert render('{{ regexReplaceAll "(x*x*x*x*)*y" (repeat 200 "x") "" }}')[0] == "unknown-value"


def test_spans_point_at_actions() -> None:
    parsed = gotemplate.parse("a\n  {{- if .x }}\nb: {{ .y }}\n{{ end }}")
    branch = parsed.body[1]
    assert branch.span == (2, 3, 2, 15)
    assert branch.body[1].span == (3, 4, 3, 12)
