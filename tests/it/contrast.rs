//! The contrast of the design's table, computed anew from the tokens of the stylesheet, in both themes.
//!
//! Tokens are written in oklch; what a screen shows is sRGB. So each is converted as browsers do (CSS Color 4), held
//! against the hexadecimal value in its comment, and then against the ratio that the design promises (WCAG 2).

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const LIGHT: usize = 0;
const DARK: usize = 1;

type Rgb = [f64; 3];

/// What stands on what, and the ratio in light and dark: below it nothing may fall.
const TABLE: [(&str, &str, f64, f64); 24] = [
    ("text", "bg", 16.3, 16.5),
    ("text-2", "surface", 9.0, 9.5),
    ("text-2", "you-tint", 8.1, 8.2),
    ("text-2", "crit-tint", 8.1, 8.2),
    ("text-2", "warn-tint", 8.1, 8.2),
    ("text-2", "ok-tint", 8.1, 8.2),
    ("text-3", "surface", 5.9, 6.5),
    ("text-3", "inset", 5.3, 6.9),
    ("text-3", "you-tint", 5.3, 5.7),
    ("on", "you", 6.2, 5.1),
    ("on", "crit", 5.9, 4.8),
    ("on", "ok", 4.9, 3.4),
    ("on-warn", "warn", 9.1, 9.1),
    ("you-text", "you-tint", 6.7, 8.2),
    ("crit-text", "crit-tint", 6.4, 8.0),
    ("warn-text", "warn-tint", 6.5, 9.9),
    ("ok-text", "ok-tint", 6.6, 9.3),
    ("ctl", "surface", 3.7, 3.8),
    ("ctl", "bg", 3.4, 4.1),
    ("focus", "surface", 6.2, 9.4),
    ("log-text", "log-bg", 13.7, 13.7),
    ("log-dim", "log-bg", 6.2, 6.2),
    ("log-warn", "log-bg", 6.2, 6.2),
    // Solid amber never stands alone: its outline must be seen on it and on the card.
    ("warn-text", "surface", 6.5, 9.9),
];

#[test]
fn every_pair_of_the_designs_table_has_its_contrast_in_both_themes() {
    let tokens = tokens(&stylesheet());
    let mut faults = Vec::new();
    for (front, back, light, dark) in TABLE {
        for (theme, wanted) in [(LIGHT, light), (DARK, dark)] {
            let found = contrast(tokens[front].shown[theme], tokens[back].shown[theme]);
            // The table has one decimal.
            if (found * 10.0).round() / 10.0 < wanted {
                faults.push(format!("{front} on {back}, theme {theme}: {found:.2}, wanted {wanted}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_token_shows_the_colour_that_its_comment_names() {
    let tokens = tokens(&stylesheet());
    assert!(tokens.len() >= 32, "{} colours", tokens.len());
    for (name, token) in &tokens {
        for theme in [LIGHT, DARK] {
            for (shown, told) in token.shown[theme].iter().zip(token.told[theme]) {
                assert!((shown - told).abs() < 1.01 / 255.0, "{name}, theme {theme}: {token:?}");
            }
        }
    }
}

#[test]
fn the_conversion_and_the_ratio_are_those_of_the_standards() {
    let close = |one: Rgb, other: Rgb| one.iter().zip(other).all(|(a, b)| (a - b).abs() < 0.002);
    assert!(close(srgb(0.627_955, 0.257_683, 29.233_9), [1.0, 0.0, 0.0]), "pure red");
    assert!(close(srgb(0.519_752, 0.176_858, 142.495), [0.0, 0.501_96, 0.0]), "CSS green");
    assert!((contrast([0.0; 3], [1.0; 3]) - 21.0).abs() < 1e-9);
    let grey = hex("#767676");
    assert!((contrast(grey, [1.0; 3]) - 4.54).abs() < 0.01, "the known grey at the edge of AA");
}

fn stylesheet() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("static/css/1-foundation.css")).unwrap()
}

#[derive(Debug)]
struct Token {
    /// As a browser computes it: light, dark.
    shown: [Rgb; 2],
    /// As the comment beside it says.
    told: [Rgb; 2],
}

/// `--name: light-dark(oklch(L% C H), oklch(L% C H)); /* #light #dark…`, a line each.
fn tokens(css: &str) -> BTreeMap<String, Token> {
    let lines = css.lines().map(str::trim).filter(|line| line.starts_with("--"));
    let colours = lines.filter(|line| line.contains("light-dark(oklch(") && line.contains("/* #"));
    colours
        .map(|line| {
            let (name, rest) = line.split_once(':').unwrap();
            let shown: Vec<Rgb> = rest.split("oklch(").skip(1).map(oklch).collect();
            let told: Vec<Rgb> = rest.split('#').skip(1).map(|part| hex(&format!("#{}", &part[..6]))).collect();
            let token = Token { shown: [shown[LIGHT], shown[DARK]], told: [told[LIGHT], told[DARK]] };
            (name.trim_start_matches("--").to_owned(), token)
        })
        .collect()
}

fn oklch(text: &str) -> Rgb {
    let inner = text.split(')').next().unwrap();
    let numbers: Vec<f64> = inner.split_whitespace().map(|word| word.trim_end_matches('%').parse().unwrap()).collect();
    srgb(numbers[0] / 100.0, numbers[1], numbers.get(2).copied().unwrap_or(0.0))
}

fn hex(text: &str) -> Rgb {
    [1, 3, 5].map(|at| f64::from(u8::from_str_radix(&text[at..at + 2], 16).unwrap()) / 255.0)
}

/// Oklch to sRGB, by way of Oklab and linear light.
fn srgb(lightness: f64, chroma: f64, hue: f64) -> Rgb {
    let (a, b) = (chroma * hue.to_radians().cos(), chroma * hue.to_radians().sin());
    let long = (lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
    let medium = (lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
    let short = (lightness - 0.089_484_177_5 * a - 1.291_485_548 * b).powi(3);
    let linear = [
        4.076_741_662_1 * long - 3.307_711_591_3 * medium + 0.230_969_929_2 * short,
        -1.268_438_004_6 * long + 2.609_757_401_1 * medium - 0.341_319_396_5 * short,
        -0.004_196_086_3 * long - 0.703_418_614_7 * medium + 1.707_614_701 * short,
    ];
    linear.map(|light| {
        let light = light.clamp(0.0, 1.0);
        if light <= 0.003_130_8 { 12.92 * light } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 }
    })
}

fn contrast(one: Rgb, other: Rgb) -> f64 {
    let luminance = |colour: Rgb| {
        let [red, green, blue] =
            colour.map(|part| if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    };
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}
