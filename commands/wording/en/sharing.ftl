# The page behind a link, messages that show a picture to others, inline mode: keys begin with sharing-.

sharing-title = A picture made with Pixelpop
sharing-description = Made from words. Make one of your own.
sharing-description-prompt = “{ $prompt }”
sharing-alt = The picture that this link shows
sharing-style = Style: { $style }
sharing-until = This link ends on { DATETIME($date, dateStyle: "long") }.
sharing-make-yours = ✨ Make yours
sharing-open-link = 🖼 Open
sharing-gone-title = There is nothing behind this link
sharing-gone = It has ended, or its picture was taken back. Ask the person who sent it for another.
sharing-gone-make = Make a picture of your own
sharing-inline-start = Sign in to see your pictures
sharing-inline-empty = Make your first picture
