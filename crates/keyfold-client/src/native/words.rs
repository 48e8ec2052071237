//! Words that people say, write down and type, for numbers of the English list of BIP-39. Not in the module that pages
//! load: JavaScript has the list in a file of its own.
//!
//! Spec: `docs/spec/recovery.md`, "Paper"; `docs/spec/account-ledger.md`, "Comparing identities".

use crate::Result;
use bip39::Language;
use keyfold_core::recovery::PaperWords;
use zeroize::Zeroizing;

/// A word that is not in the list.
#[derive(Debug)]
pub(crate) struct UnknownWord(pub(crate) String);

/// In lower case, with a space between.
pub(crate) fn spell(numbers: &[u16]) -> Zeroizing<String> {
    let list = Language::English.word_list();
    // Room from the start: growing would leave copies of words in freed memory.
    let mut text = Zeroizing::new(String::with_capacity(9 * numbers.len()));
    for number in numbers {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(list.get(usize::from(*number)).copied().unwrap_or_default());
    }
    text
}

/// In any case, with any spaces and commas between.
pub(crate) fn read(text: &str) -> Result<Zeroizing<Vec<u16>>, UnknownWord> {
    let lower = Zeroizing::new(text.to_lowercase());
    let words = || lower.split([' ', ',', '\t', '\r', '\n']).filter(|word| !word.is_empty());
    let mut numbers = Zeroizing::new(Vec::with_capacity(words().count()));
    for word in words() {
        numbers.push(Language::English.find_word(word).ok_or_else(|| UnknownWord(word.to_owned()))?);
    }
    Ok(numbers)
}

/// A paper key as it is printed: 24 words with a space between.
pub fn paper_text(words: &PaperWords) -> Zeroizing<String> {
    spell(words.numbers())
}

/// A paper key as somebody typed it. `UnknownWord`, `WrongWordCount` and `WrongWords` name the mistake.
pub fn read_paper(text: &str) -> Result<PaperWords> {
    let numbers = read(text).map_err(|UnknownWord(word)| {
        crate::Error::new(
            keyfold_protocol::Code::UnknownWord,
            format!("`{word}` is none of the words that paper keys are made of"),
        )
        .hint("Look at that word on the paper again, letter by letter.")
    })?;
    Ok(PaperWords::from_numbers(&numbers)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyfold_core::RecoverySecret;
    use keyfold_protocol::Code;

    #[test]
    fn a_paper_key_is_read_however_it_is_typed_and_shown_in_one_way() {
        let words = PaperWords::of(&RecoverySecret::from_slice(&[7; 32]).unwrap());
        let text = paper_text(&words);
        assert_eq!(text.split(' ').count(), 24);
        let typed = format!(" {}\n", text.to_uppercase().replacen(' ', ",\t\r\n ", 20));
        assert_eq!(read_paper(&typed).unwrap().numbers(), words.numbers());
    }

    #[test]
    fn each_mistake_has_its_name() {
        let text = paper_text(&PaperWords::of(&RecoverySecret::from_slice(&[7; 32]).unwrap()));
        let (first, rest) = text.split_once(' ').unwrap();
        let fault = |text: &str| read_paper(text).unwrap_err().code;
        assert_eq!(fault(&format!("{first}s {rest}")), Code::UnknownWord);
        assert_eq!(fault(rest), Code::WrongWordCount);
        assert_eq!(fault(""), Code::WrongWordCount);
        assert_eq!(fault(&format!("{rest} {first}")), Code::WrongWords);
    }
}
