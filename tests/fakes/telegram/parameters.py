"""The parameters of each method, by the Bot API's reference (version 10.3).

Telegram ignores what it does not know. A misspelt name is a bug all the same, so the double ignores
it too and writes it down as a finding.
"""

from __future__ import annotations

_EDITED = "business_connection_id chat_id message_id inline_message_id reply_markup"
_SENT = (
    "chat_id business_connection_id message_thread_id direct_messages_topic_id disable_notification"
    " protect_content allow_paid_broadcast message_effect_id suggested_post_parameters"
    " reply_parameters reply_markup ephemeral_message_parameters"
)
_INVOICE = (
    "title description payload currency prices provider_token subscription_period max_tip_amount"
    " suggested_tip_amounts provider_data photo_url photo_size photo_width photo_height need_name"
    " need_phone_number need_email need_shipping_address send_phone_number_to_provider"
    " send_email_to_provider is_flexible"
)

_TABLE = {
    "getMe": "",
    "setWebhook": "url certificate ip_address max_connections allowed_updates"
    " drop_pending_updates secret_token",
    "deleteWebhook": "drop_pending_updates",
    "getWebhookInfo": "",
    "getUpdates": "offset limit timeout allowed_updates",
    "setMyCommands": "commands scope language_code",
    "getMyCommands": "scope language_code",
    "setMyDescription": "description language_code",
    "getMyDescription": "language_code",
    "setMyShortDescription": "short_description language_code",
    "getMyShortDescription": "language_code",
    "setChatMenuButton": "chat_id menu_button",
    "getChatMenuButton": "chat_id",
    "sendMessage": f"{_SENT} text parse_mode entities link_preview_options",
    "sendPhoto": f"{_SENT} photo caption parse_mode caption_entities show_caption_above_media"
    " has_spoiler",
    "sendChatAction": "chat_id action business_connection_id message_thread_id",
    "editMessageText": f"{_EDITED} text parse_mode entities link_preview_options rich_message",
    "editMessageCaption": f"{_EDITED} caption parse_mode caption_entities show_caption_above_media",
    "editMessageMedia": f"{_EDITED} media",
    "editMessageReplyMarkup": _EDITED,
    "deleteMessage": "chat_id message_id",
    "answerCallbackQuery": "callback_query_id text show_alert url cache_time",
    "answerInlineQuery": "inline_query_id results cache_time is_personal next_offset button",
    "savePreparedInlineMessage": "user_id result allow_user_chats allow_bot_chats"
    " allow_group_chats allow_channel_chats",
    "getFile": "file_id",
    "createInvoiceLink": f"business_connection_id {_INVOICE}",
    # A subscription is sold by link only: sendInvoice has no subscription_period.
    "sendInvoice": f"{_SENT} start_parameter {_INVOICE.replace('subscription_period ', '')}",
    "answerPreCheckoutQuery": "pre_checkout_query_id ok error_message",
    "refundStarPayment": "user_id telegram_payment_charge_id",
    "editUserStarSubscription": "user_id telegram_payment_charge_id is_canceled",
    "getStarTransactions": "offset limit",
}

PARAMETERS = {name: frozenset(known.split()) for name, known in _TABLE.items()}
"""Method → the names that its reference lists, without what is deprecated."""

NAMES = {name.lower(): name for name in PARAMETERS}
"""Names of methods are case-insensitive ("Making requests")."""

_UPDATES = (
    "message edited_message channel_post edited_channel_post business_connection"
    " business_message edited_business_message deleted_business_messages guest_message"
    " inline_query chosen_inline_result callback_query shipping_query pre_checkout_query"
    " purchased_paid_media poll poll_answer my_chat_member chat_join_request chat_boost"
    " removed_chat_boost managed_bot subscription stopped_message_generation"
)
UPDATES_BY_DEFAULT = frozenset(_UPDATES.split())
UPDATES_ON_DEMAND = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
"""`allowed_updates`: an empty list is all types but these three."""
