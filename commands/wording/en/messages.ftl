# What the bot writes by itself (results, refunds, expiry): keys begin with messages-.

messages-started = 🎨 Drawing…

messages-done =
    ✅ Done. { $credits ->
        [one] { $credits } credit
       *[other] { $credits } credits
    } used, { $left } left.
messages-done-others =
    { $count ->
        [one] One more picture follows.
       *[other] { $count } more pictures follow.
    }
messages-done-missing =
    { $count ->
        [one] One picture could not be made: it costs nothing.
       *[other] { $count } pictures could not be made: they cost nothing.
    }
messages-done-no-photo = The picture is too large for a chat; it is in the app.
messages-ready =
    ✅ Your { $count ->
        [one] picture is
       *[other] { $count } pictures are
    } ready. { $credits ->
        [one] { $credits } credit
       *[other] { $credits } credits
    } used, { $left } left.
messages-picture = Picture { $number } of { $count }

messages-batch-ready =
    ✅ Your batch is ready: { $count ->
        [one] { $count } picture
       *[other] { $count } pictures
    }. { $credits ->
        [one] { $credits } credit
       *[other] { $credits } credits
    } used, { $left } left.
messages-batch-missing =
    { $count ->
        [one] One of its prompts came to nothing: it costs nothing.
       *[other] { $count } of its prompts came to nothing: they cost nothing.
    }
messages-batch-failed = ⚠️ Nothing of your batch could be made. Your credits are back: { $left }. Please try again.

messages-cancelled = ✖️ Cancelled. Nothing was charged.

messages-failed = ⚠️ It could not be made. Your credits are back: { $left }. Please try again.
messages-failed-provider-refused =
    ⚠️ The image service refused this prompt. Your credits are back: { $left }. Say it in other words and try again.
messages-failed-provider-unavailable =
    ⚠️ The image service does not answer at the moment. Your credits are back: { $left }. Try again in a few minutes.
messages-failed-prohibited =
    🚫 That is not allowed here, so nothing was made. Your credits are back: { $left }. Say it in other words, or choose another photo. If this is wrong, object: /appeal.
messages-failed-withheld =
    🚫 The picture turned out as something that is not allowed here, so it is not shown. Your credits are back: { $left }. Say it in other words and try again. If this is wrong, object: /appeal.
messages-failed-moderation-unavailable =
    ⚠️ The check that every picture goes through does not answer at the moment. Your credits are back: { $left }. Try again in a few minutes.
messages-failed-photo-gone =
    ⚠️ The photo is no longer kept, so nothing was made. Your credits are back: { $left }. Send it again with /edit.
messages-failed-photo-refused =
    ⚠️ The image service could not work with this photo. Your credits are back: { $left }. Try another one.
messages-failed-timed-out =
    ⚠️ It took too long and was stopped. Your credits are back: { $left }. Please try again.

messages-rejected = ⚠️ It was not taken on, and nothing was charged. Please try again.
messages-rejected-prohibited =
    🚫 The prompt asks for something that is not allowed here. Nothing was charged. Say it in other words and try again. If this is wrong, object: /appeal.
messages-rejected-unavailable =
    ⚠️ That is not offered at the moment. Nothing was charged. Choose another quality or size and try again.
messages-rejected-rate-limited =
    ⏳ That was too many in a short time. Nothing was charged. Try again in { $seconds ->
        [one] { $seconds } second
       *[other] { $seconds } seconds
    }.
messages-rejected-insufficient-credits =
    💳 This costs { $credits ->
        [one] { $credits } credit
       *[other] { $credits } credits
    } and you have { $left }. Nothing was charged. Get more with /buy.
messages-rejected-timed-out = ⚠️ It could not be started in time. Nothing was charged. Please try again.

messages-appeal-upheld =
    🔎 Somebody looked at the refusal that you objected to, and it stands.
messages-appeal-overturned =
    ✅ You were right to object: that may be asked for. Send the same request again, just as it was.

messages-refunded =
    ↩️ Your payment went back to you, and { $credits ->
        [one] { $credits } credit was
       *[other] { $credits } credits were
    } taken from your balance: { $left } left.
messages-refunded-debt =
    { $debt ->
        [one] { $debt } of these was spent already; it is
       *[other] { $debt } of these were spent already; they are
    } taken from the next credits that you get. Questions: /paysupport.

messages-expiring =
    ⏳ { $credits ->
        [one] { $credits } of your credits ends
       *[other] { $credits } of your credits end
    } on { DATETIME($at, dateStyle: "medium", timeStyle: "short", timeZone: "UTC") } UTC. Use { $credits ->
        [one] it
       *[other] them
    } before: /generate.
