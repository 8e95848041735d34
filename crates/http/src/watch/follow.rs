//! What is new of some topics.

use std::collections::VecDeque;
use std::sync::Arc;

use tidegate_engine::contract::Invalid;
use tokio::time::{Instant, sleep, sleep_until};

use super::topic::{Fresh, Question, Told, Topic};
use crate::answer::Response;
use crate::limits::{WATCH_AGAIN, WATCH_LOOK, WATCH_PACE};
use crate::route::Route;
use crate::router::Front;

/// Somebody who follows some queries.
pub(crate) struct Follower {
    followed: Vec<Followed>,
    /// What was not handed on yet.
    news: VecDeque<News>,
    looked: Instant,
}

/// A query that is followed.
struct Followed {
    topic: Arc<Topic>,
    last: Option<Arc<Told>>,
}

/// An answer that says something else than the one before.
pub(crate) struct News {
    /// The query, by its name in capitals.
    pub(crate) query: &'static str,
    pub(crate) told: Arc<Told>,
}

impl News {
    /// Whether it is a "no": of that query nothing more is told.
    pub(crate) fn is_refusal(&self) -> bool {
        !self.told.head().status.is_success()
    }
}

impl Follower {
    /// Follows these.
    pub(super) fn of(
        front: &Front,
        questions: impl IntoIterator<Item = (Arc<Route>, Question)>,
    ) -> Result<Self, Invalid> {
        let followed = questions.into_iter().map(|(route, question)| {
            let topic = Topic::of(front, &route, question)?;
            Ok(Followed { topic, last: None })
        });
        Ok(Self {
            followed: followed.collect::<Result<_, Invalid>>()?,
            news: VecDeque::new(),
            looked: Instant::now(),
        })
    }

    /// The answers of now, which are the first news.
    ///
    /// # Errors
    /// The answer to a request for them: one is refused, or not answered.
    pub(crate) async fn begin(&mut self, front: &Front) -> Result<(), Response> {
        for followed in &mut self.followed {
            let told = followed.topic.look(front, Fresh::Now).await?;
            if !told.head().status.is_success() {
                return Err(told.rendered.clone().into_response());
            }
            followed.last = Some(Arc::clone(&told));
            self.news.push_back(followed.news(told));
        }
        self.looked = Instant::now();
        Ok(())
    }

    /// The next news. Nothing is lost if it is not waited for to the end.
    pub(crate) async fn next(&mut self, front: &Front) -> News {
        loop {
            if let Some(news) = self.news.pop_front() {
                return news;
            }
            self.rest().await;
            self.look(front).await;
        }
    }

    /// Until something may be new.
    async fn rest(&self) {
        sleep_until(self.looked + WATCH_PACE).await;
        while !self.followed.iter().any(Followed::may_be_new) {
            sleep(WATCH_LOOK).await;
        }
    }

    /// Who is not answered asks again, at the pace.
    async fn look(&mut self, front: &Front) {
        self.looked = Instant::now();
        for followed in &mut self.followed {
            if !followed.may_be_new() {
                continue;
            }
            let Ok(told) = followed.topic.look(front, Fresh::AtPace).await else {
                continue;
            };
            let before = followed.last.replace(Arc::clone(&told));
            if before.is_none_or(|before| before.head() != told.head()) {
                self.news.push_back(followed.news(told));
            }
        }
    }
}

impl Followed {
    fn news(&self, told: Arc<Told>) -> News {
        let query = self.topic.route.def.resp;
        News { query, told }
    }

    /// Whether to ask again: something in the slot has changed, or time may have changed the answer.
    fn may_be_new(&self) -> bool {
        let Some(last) = &self.last else { return true };
        let moves = self.topic.route.def.watched.is_some_and(|it| it.moves);
        let is_old = last.asked.elapsed() >= WATCH_AGAIN;
        moves || is_old || last.changes != Some(self.topic.watch.changes())
    }
}
