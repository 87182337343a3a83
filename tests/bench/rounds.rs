//! Rounds of load: every contender for some seconds, one after another, again and again.

use crate::contender::{Contender, Contenders, Response};
use crate::report::{Figures, Report};
use crate::wrk::Wrk;
use anyhow::Result;
use std::path::Path;
use std::time::Duration;
use tallygate::demo::screen::Screen;

const ROUNDS: usize = 5;
const LOAD: Duration = Duration::from_secs(4);
/// Before the first round: connections, caches, compiled code.
const WARM_UP: Duration = Duration::from_secs(2);

pub(crate) async fn run(
    folder: &Path,
    contenders: &mut Contenders,
    screen: &mut Screen,
    report: &mut Report,
) -> Result<()> {
    let wrk = Wrk::new(folder)?;
    for response in Response::BOTH {
        let all = &mut contenders.all;
        screen.begin(response.as_str());
        for contender in all.iter() {
            let address = contender.address(response);
            wrk.load(address, &contender.targets, WARM_UP).await?;
        }
        screen.done("warm");
        let mut measured: Vec<Vec<Figures>> = all.iter().map(|_| Vec::new()).collect();
        for round in 0..ROUNDS {
            screen.begin(&format!("{} {}/{ROUNDS}", response.as_str(), round + 1));
            let mut words = Vec::new();
            for n in 0..all.len() {
                // Nobody always comes after the same neighbour of whom the caches are full.
                let n = (n * (round % 2 * 2 + 1) + round) % all.len();
                let (Some(contender), Some(of_contender)) = (all.get_mut(n), measured.get_mut(n))
                else {
                    continue;
                };
                let figures = load(&wrk, contender, response).await?;
                words.push((n, format!("{} {:.1}", contender.name, figures.cpu_us)));
                of_contender.push(figures);
            }
            words.sort_unstable();
            let words: Vec<String> = words.into_iter().map(|(_, words)| words).collect();
            screen.done(&format!("{} µs", words.join(" · ")));
        }
        for (contender, figures) in all.iter().zip(&measured) {
            report.add(contender.name, response, Figures::median(figures));
        }
    }
    Ok(())
}

async fn load(wrk: &Wrk, contender: &mut Contender, response: Response) -> Result<Figures> {
    contender.envoy.check_alive()?;
    let before_us = contender.envoy.cpu_us()?;
    let address = contender.address(response);
    let load = wrk.load(address, &contender.targets, LOAD).await?;
    let used_us = contender.envoy.cpu_us()?.saturating_sub(before_us);
    Ok(Figures {
        cpu_us: used_us as f64 / load.requests.max(1) as f64,
        p50_us: load.p50_us,
        p99_us: load.p99_us,
        rss_kb: contender.envoy.rss_kb()? as f64,
        rps: load.per_second,
    })
}
