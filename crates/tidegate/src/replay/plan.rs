//! What a file asks for: its order lines, grouped by SKU, and how much each SKU gets.
//!
//! Built line by line from raw fields, without IO, so that every rule about lines is a plain
//! function. A line orders units or returns them:
//!
//! - a positive quantity orders;
//! - a negative quantity returns, and so does any line of an invoice that starts with `C`,
//!   whatever the sign of its quantity;
//! - everything else is malformed: counted, shown, skipped.
//!
//! A record has a number within its invoice, from 1, in file order. A malformed record takes a
//! number too, as long as its invoice can be read.

use std::collections::HashMap;

use tidegate_order::PRICE_MAX;

use super::malformed::{Fault, Malformed};
use super::share::Share;

/// Units of one line, and of one SKU in all: the limit of the server.
const UNITS_MAX: u64 = 1_000_000_000;

/// Bytes of a SKU: the limit of the server for a key.
const SKU_BYTES_MAX: usize = 128;

/// Bytes of an invoice and of a customer. Less than the server's 128, because `guest:<invoice>`
/// and `<invoice>:<number>:<part>` must fit into them.
const NAME_BYTES_MAX: usize = 100;

/// Digits of a price behind the point: minor units are hundredths.
const PRICE_DECIMALS: usize = 2;

/// What a line does to stock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Holds units, then confirms them.
    Order,
    /// Takes back units that were sold earlier in the file.
    Return,
}

/// One well-formed line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Number of the record in the file, from 1, malformed ones counted.
    pub(super) record: u32,
    pub(super) sku: u32,
    pub(super) invoice: u32,
    /// Number of the record within its invoice, from 1.
    number: u32,
    pub(super) customer: Option<u32>,
    pub(super) kind: Kind,
    pub(super) units: u32,
    /// The price of one, in minor units; 0 where prices are not read.
    pub(super) price: u64,
}

/// A SKU of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sku {
    pub(super) name: Box<str>,
    /// Units that its order lines ask for.
    pub(super) demand: u64,
    /// Units it gets: the share of the demand, rounded up.
    pub(super) total: u64,
    /// Its lines in file order, as indexes into the plan's.
    pub(super) lines: Vec<u32>,
}

/// A file, ready to be replayed.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Records of the file, malformed ones included.
    pub(super) records: u32,
    pub(super) lines: Vec<Line>,
    pub(super) skus: Vec<Sku>,
    pub(super) malformed: Malformed,
    invoices: Names,
    customers: Names,
}

/// The raw fields of a record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a> {
    pub(super) invoice: &'a [u8],
    pub(super) customer: &'a [u8],
    pub(super) sku: &'a [u8],
    pub(super) quantity: &'a [u8],
    /// Nothing where prices are not read.
    pub(super) unit_price: Option<&'a [u8]>,
}

/// A plan that the server could not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TooLarge {
    /// The SKU needs more units than a SKU can have.
    #[error(
        "SKU {sku} would get {units} units and can have {UNITS_MAX}: take a smaller --stock-share"
    )]
    Units { sku: Box<str>, units: u128 },
    /// More records than their numbers can count.
    #[error("the file has more than 4,294,967,295 records")]
    Records,
}

impl Plan {
    /// The name of the hold that an order line makes.
    pub(super) fn hold_id(&self, line: &Line) -> String {
        format!("{}:{}", self.invoices.of(line.invoice), line.number)
    }

    /// The name of the `part`th return of a line.
    pub(super) fn return_id(&self, line: &Line, part: u32) -> String {
        format!("{}:{}:{part}", self.invoices.of(line.invoice), line.number)
    }

    /// The name of a line's invoice.
    pub(super) fn invoice(&self, line: &Line) -> &str {
        self.invoices.of(line.invoice)
    }

    /// Who buys.
    pub(super) fn buyer(&self, line: &Line) -> String {
        match line.customer {
            Some(customer) => self.customers.of(customer).to_owned(),
            None => format!("guest:{}", self.invoices.of(line.invoice)),
        }
    }
}

/// Makes a [`Plan`], record by record.
#[derive(Default)]
pub(super) struct Builder {
    plan: Plan,
    skus: Names,
    /// Records seen of each invoice.
    seen: Vec<u32>,
}

impl Builder {
    /// Takes the next record, which starts at `at` in the file. `fault` is what is wrong with the
    /// record as a whole; its fields are then only used to number it.
    pub(super) fn record(
        &mut self,
        at: u64,
        fields: Fields<'_>,
        fault: Option<Fault>,
    ) -> Result<(), TooLarge> {
        self.plan.records = self.plan.records.checked_add(1).ok_or(TooLarge::Records)?;
        match self.read(fields, fault) {
            Ok(line) => self.add(line),
            Err(fault) => self.plan.malformed.note(at, &fault),
        }
        Ok(())
    }

    fn read(&mut self, fields: Fields<'_>, fault: Option<Fault>) -> Result<Line, Fault> {
        let invoice_name = name("invoice", fields.invoice, NAME_BYTES_MAX);
        let numbered = invoice_name.as_ref().ok().map(|name| self.number(name));
        if let Some(fault) = fault {
            return Err(fault);
        }
        let (invoice_name, (invoice, number)) = (invoice_name?, numbered.unwrap_or_default());
        let sku = name("sku", fields.sku, SKU_BYTES_MAX)?;
        let customer = match fields.customer {
            b"" => None,
            customer => Some(name("customer", customer, NAME_BYTES_MAX)?),
        };
        let quantity = quantity(fields.quantity)?;
        let price = fields.unit_price.map_or(Ok(0), price)?;
        let returns = quantity < 0 || invoice_name.starts_with('C');
        Ok(Line {
            record: self.plan.records,
            sku: self.skus.number(sku),
            invoice,
            number,
            customer: customer.map(|customer| self.plan.customers.number(customer)),
            kind: if returns { Kind::Return } else { Kind::Order },
            units: quantity.unsigned_abs(),
            price,
        })
    }

    fn number(&mut self, invoice: &str) -> (u32, u32) {
        let index = self.plan.invoices.number(invoice);
        self.seen.resize(self.plan.invoices.list.len(), 0);
        self.seen[index as usize] += 1;
        (index, self.seen[index as usize])
    }

    fn add(&mut self, line: Line) {
        let plan = &mut self.plan;
        if line.sku as usize == plan.skus.len() {
            let name = self.skus.of(line.sku).into();
            plan.skus.push(Sku {
                name,
                demand: 0,
                total: 0,
                lines: Vec::new(),
            });
        }
        let sku = &mut plan.skus[line.sku as usize];
        if line.kind == Kind::Order {
            sku.demand += u64::from(line.units);
        }
        // There are no more lines than records, whose number is 32 bits.
        sku.lines.push(plan.lines.len() as u32);
        plan.lines.push(line);
    }

    /// The plan of all the records taken, in which each SKU gets `share` of its demand.
    pub(super) fn finish(mut self, share: Share) -> Result<Plan, TooLarge> {
        for sku in &mut self.plan.skus {
            let units = share.of(sku.demand);
            let total = u64::try_from(units)
                .ok()
                .filter(|total| *total <= UNITS_MAX);
            let too_large = || TooLarge::Units {
                sku: sku.name.clone(),
                units,
            };
            sku.total = total.ok_or_else(too_large)?;
        }
        Ok(self.plan)
    }
}

/// Texts, each kept once and known by its number.
#[derive(Debug, Default)]
struct Names {
    list: Vec<Box<str>>,
    numbers: HashMap<Box<str>, u32>,
}

impl Names {
    fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.list.len() as u32;
        self.list.push(name.into());
        self.numbers.insert(name.into(), number);
        number
    }

    fn of(&self, number: u32) -> &str {
        &self.list[number as usize]
    }
}

fn name<'a>(field: &'static str, bytes: &'a [u8], bytes_max: usize) -> Result<&'a str, Fault> {
    if bytes.is_empty() {
        return Err(Fault::Empty(field));
    }
    if bytes.len() > bytes_max {
        return Err(Fault::TooLong(field, bytes_max));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| Fault::NotUtf8)?;
    if text.chars().any(char::is_control) {
        return Err(Fault::ControlCharacters(field));
    }
    Ok(text)
}

fn quantity(bytes: &[u8]) -> Result<i32, Fault> {
    let text = String::from_utf8_lossy(bytes.trim_ascii());
    let digits = text.strip_prefix(['-', '+']).unwrap_or(&text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Fault::NotAnInteger(text.chars().take(20).collect()));
    }
    match text.parse::<i32>() {
        Ok(0) => Err(Fault::Zero),
        Ok(units) if u64::from(units.unsigned_abs()) <= UNITS_MAX => Ok(units),
        Ok(_) | Err(_) => Err(Fault::TooMany(text.chars().take(20).collect())),
    }
}

/// An amount with up to two digits behind the point, in hundredths.
fn price(bytes: &[u8]) -> Result<u64, Fault> {
    let text = String::from_utf8_lossy(bytes.trim_ascii());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let fraction = fraction.trim_end_matches('0');
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let minor = (digits(whole) && digits(fraction) && fraction.len() <= PRICE_DECIMALS)
        .then(|| format!("{whole}{fraction:0<PRICE_DECIMALS$}"))
        .and_then(|minor| minor.parse().ok())
        .filter(|minor| !whole.is_empty() && *minor <= PRICE_MAX.unsigned_abs());
    minor.ok_or_else(|| Fault::NotAPrice(text.chars().take(20).collect()))
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
