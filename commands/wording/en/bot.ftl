# What the bot answers, and its buttons.

bot-button-again = 🔁 Again
bot-button-vary = 🎲 Vary
bot-button-edit = ✏️ Edit
bot-button-share = 📤 Share
bot-button-delete = 🗑 Delete
bot-button-cancel = ✖️ Cancel
bot-button-open = 🖼 Open in the app
bot-button-more = More
bot-button-pay = Pay { $stars } ⭐
bot-button-read = Read
bot-button-send = 📤 Send to a chat
bot-button-delete-sure = 🗑 Yes, delete
bot-button-keep = Keep
bot-button-old = This button does not work any more. Send the command again.

bot-command-generate = Draw a picture from words
bot-command-edit = Change a photo by words
bot-command-balance = Credits that you have
bot-command-buy = Get credits for Stars
bot-command-history = Your last pictures
bot-command-styles = Choose a style
bot-command-appeal = Object to a refusal
bot-command-language = Choose a language
bot-command-help = What this bot can do
bot-command-terms = Terms of use
bot-command-privacy = What is kept of you
bot-command-support = Whom to ask
bot-command-paysupport = Help with payments
bot-command-start = Begin

bot-description =
    I draw pictures from your words.

    Write what you would like to see, choose a style, and watch it being made. The first credits are a present.
bot-short-description = Pictures from words. The first credits are a present.
bot-menu-button = Pictures

bot-start =
    👋 Welcome! I draw pictures from words.

    Write /generate and what you would like to see, for example:
    /generate a lighthouse in a storm, seen from a gull

    Your credits: /balance. Everything I can do: /help. Please read /terms and /privacy.
bot-start-share =
    👋 Somebody showed you a picture. Would you like one of your own?

    Open the app: style and words are filled in there, where they were shared. Or write /generate and what you would like to see.
bot-start-gift =
    🎁 { $credits ->
        [one] { $credits } credit was given to you and is
       *[other] { $credits } credits were given to you and are
    } yours within a moment: /balance.

    I draw pictures from words. Write /generate and what you would like to see. Everything I can do: /help.
bot-start-first = You have no account here yet. Open the chat with me and press START, then send this again.
bot-hint = Would you like a picture of that? Write /generate before it. Everything I can do: /help.
bot-unknown-command = I do not know that command. Everything I can do: /help.
bot-help =
    /generate and words: a picture of them
    /edit as the caption of a photo, or in reply to one: change it
    /history: your last pictures
    /styles: the style that I draw in
    /balance: your credits
    /buy: more credits
    /appeal: object to a refusal
    /language: English or Russian
    /support: whom to ask
    /paysupport: help with payments
    /terms, /privacy: the small print

    In a group, write the commands there. The buttons under a picture make another, vary it, change it, share it or delete it.

bot-generate-ask = 🎨 What shall I draw? Write it in your next message.
bot-generate-usage = Write what I shall draw after the command: /generate a fox in the snow
bot-status-asked = 🎨 I have your words. The picture appears here.

bot-edit-usage = Answer a photo with /edit and what to change, or send a photo with that as its caption.
bot-edit-ask-photo = ✏️ Which photo? Send it, with what to change as its caption.
bot-edit-ask-words = ✏️ What shall I change? Write it in your next message.

bot-appeal-ask = ⚖️ “{ $prompt }” was refused. Why is that wrong? Write it in your next message; a person reads it.
bot-appeal-filed = ⚖️ Your words are on their way. A person looks at them; what was decided you read here.
bot-appeal-long = ⚠️ That is too long. Say it in at most { $characters } characters, in your next message.
bot-appeal-nothing = There is no refusal that you could object to: what an image service refuses by its own rules is not ours to change.
bot-appeal-private = Object in the chat with me: open it and send /appeal.

bot-balance =
    💳 You have { $available ->
        [one] { $available } credit
       *[other] { $available } credits
    }.
bot-balance-reserved = Set aside for pictures under way: { $reserved }.
bot-balance-debt = You owe { $debt }: the next credits that you get pay that first.
bot-balance-expiry =
    { $credits ->
        [one] { $credits } of them ends
       *[other] { $credits } of them end
    } on { DATETIME($until, dateStyle: "medium", timeZone: "UTC") }; what ends first is used first.
bot-balance-empty = Get more with /buy.

bot-buy = ⭐ Choose a pack. You pay in Telegram Stars; credits arrive within a moment.
bot-buy-private = Buy credits in the chat with me: open it and send /buy.
bot-buy-invoice = { $pack }: press the button to pay.
bot-bought =
    ✅ { $credits ->
        [one] { $credits } credit is
       *[other] { $credits } credits are
    } yours.
bot-pack =
    { $pack } · { $credits ->
        [one] { $credits } credit
       *[other] { $credits } credits
    } · { $stars } ⭐
bot-pack-starter = Starter
bot-pack-regular = Regular
bot-pack-studio = Studio
bot-pack-monthly = Monthly

bot-history = Your last pictures, newest first:
bot-history-empty = There is nothing yet. Write /generate and what you would like to see.
bot-history-unnamed = (a picture without words)

bot-styles = 🖌 Which style shall I draw in? It is used for your next pictures.
bot-style-chosen = From now on: { $style }
bot-style-none = As written
bot-style-photo = Photo
bot-style-pixel = Pixel art
bot-style-watercolour = Watercolour
bot-style-poster = Poster
bot-style-neon = Neon night

bot-language = Which language shall I speak?
bot-language-chosen = ✅ I speak English now.

bot-share =
    🔗 Anybody who has this link sees the picture, not your words:
    { $address }

    It ends on { DATETIME($until, dateStyle: "medium", timeZone: "UTC") }, or when you delete the picture.
bot-delete-ask = Really delete it?
bot-deleted = In the bin. In the app you can take it back for 30 days.
bot-cancelled = Cancelled. Your credits are back.

bot-terms =
    📄 You may use what I draw for you as you like, within the law. Do not ask for anything that is illegal or hurts people: such prompts are refused. Credits are for this service only. Credits that nobody used can be given back: /paysupport.
bot-privacy =
    🔒 Your words and pictures are yours: they are kept sealed with a key of your own, and nobody else is shown them unless you share them. In the app you can get all your data, or erase your account; then the key is destroyed.
bot-support = 💬 Tell us what happened, when, and in which chat.
bot-support-contact = Write to { $contact }.
bot-support-none = The people who run this bot have not said yet where to write to.
bot-paysupport =
    💬 Stars that you paid and whose credits you have not used can be given back; what was used cannot. If a payment went through and no credits came, tell us when you paid. Telegram's own support cannot help with purchases made here.

bot-error-prompt = ⚠️ The description must be text of 1 to { $characters } characters. Shorten it and send it again.
bot-error-prohibited =
    🚫 { $reason ->
        [minors] That seems to ask for young people in a sexual way, which
        [sexual] That seems to ask for something sexually explicit, which
        [consent] That seems to ask for undressing somebody or deceiving about somebody, which
        [violence] That seems to ask for gore, which
        [terror] That seems to ask for praise of terrorists, which
        [weapons] That seems to ask for instructions for a weapon, which
        [self-harm] That seems to ask for instructions for self-harm, which
        [hate] That seems to ask for hate against people, which
        [fraud] That seems to ask for forged documents or money, which
       *[other] That asks for something that
    } is not allowed here. Nothing was charged. Say it in other words; if this is wrong, object: /appeal.
bot-error-credits = 💳 You do not have enough credits for that. Nothing was charged. Get more with /buy.
bot-error-slow-down = ⏳ That was too many in a short time. Nothing was charged. Wait a minute and try again.
bot-error-unavailable = ⚠️ That is not offered at the moment. Nothing was charged. Choose another style with /styles and try again.
bot-error-kind = ⚠️ That is not offered yet. Nothing was charged.
bot-error-busy = ⏳ Too much is going on at the moment. Nothing was charged. Try again in a minute.
bot-error-late = ⏳ I was away when you wrote. If you still want it, send it again.
bot-error-missing = This picture is not there any more. Your pictures: /history.
bot-error-being-made = It is being made already and cannot be stopped.
bot-error-finished = It is finished already; there is nothing to stop.
bot-error-gift-over = 🎁 This gift went back: nobody took it in time, or the giver took it back. Ask for a new link. Pictures: /generate.
bot-error-gift-own = 🎁 This gift is from you. Send the link to somebody else.
bot-error-gift-taken = 🎁 Somebody has taken this gift already. Ask for a new link. Pictures: /generate.
bot-error-gift-unknown = 🎁 There is no such gift. Ask for the whole link once more. Pictures: /generate.
bot-error-photo = ⚠️ This photo cannot be used. Nothing was charged. Send another: JPEG, PNG, WebP or HEIC, up to 20 MB, that stands still.
bot-error-photo-gone = ⚠️ I no longer have this photo. Nothing was charged. Send it again with /edit.
bot-error-photos = ⏳ That were many photos in a short time. Nothing was charged. Wait a while and send it again.
bot-error-payments = ⚠️ Credits cannot be bought here yet.
bot-error-appeals = ⏳ You have as many open objections as anybody may. Wait for an answer.
bot-error-shares = You have too many links. Take one back in the app first.
bot-error-banned = 🚫 This account is blocked. Questions: /support.
bot-error-erased = This account was erased. Send /start to begin anew.
bot-error-unknown = ⚠️ That did not work, and it was noted. Try again; if it stays so, tell us: /support.
bot-error-unsure = ⏳ I do not know yet whether that was taken on. Look at /history in a minute before you send it again.
