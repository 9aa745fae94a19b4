"""The shopper's pages. `ROUTES` is all of them."""

from app.web.shopper.account_bank import go_to_account_bank
from app.web.shopper.account_sign_in import (
    ask_account_passkey,
    confirm_account_code,
    send_account_code,
    show_account,
    sign_out,
    use_account_passkey,
)
from app.web.shopper.asking import (
    answer_the_question,
    ask_a_person,
    ask_who_is_paying,
    say_where_to_answer,
    take_another_plan,
)
from app.web.shopper.bank import go_to_bank, return_from_bank, show_public_keys, show_return
from app.web.shopper.changed import follow, go_on, show_changed
from app.web.shopper.company import say_company
from app.web.shopper.confirm import confirm_purchase, show_confirm
from app.web.shopper.explaining import explain
from app.web.shopper.feedback import give_feedback
from app.web.shopper.identify import confirm_code, forget, send_code, show_identify
from app.web.shopper.information import download_agreement, download_information, show_information
from app.web.shopper.insured import give_up_insured, show_insured
from app.web.shopper.link import proceed_to_pay, show_link
from app.web.shopper.method import choose_method, show_method
from app.web.shopper.outcome import ask_cancel, cancel, show_outcome
from app.web.shopper.passkey import ask_passkey, use_passkey
from app.web.shopper.passkeys import ask_new_passkey, drop_passkey, keep_passkey, show_passkeys
from app.web.shopper.paying import check_payment, go_to_provider, pay_another_way, show_paying
from app.web.shopper.purchase_insurance import give_up_insurance, show_insurance
from app.web.shopper.purchase_returns import (
    announce_return,
    call_off_return,
    follow_return,
    show_return_form,
)
from app.web.shopper.purchases import (
    download_bought_agreement,
    download_bought_document,
    show_purchase,
    show_purchases,
)
from app.web.shopper.subscriptions import (
    ask_before_end,
    change_subscription,
    end_subscription,
    show_subscription,
)
from app.web.shopper.till import hear_till_code, pay_at_till, show_till_code
from app.web.shopper.wallet import use_wallet
from app.web.shopper.wallet_page import show_wallet, turn_points
from app.web.shopper.wallet_payout import ask_payout, confirm_payout, show_payout
from app.web.shopper.wallet_statement import download_movements, download_statement
from app.web.shopper.way import (
    check_owed_way,
    check_way,
    go_to_owed_way,
    go_to_way,
    show_owed_ways,
    show_ways,
    take_owed_way,
    take_way,
)
from app.web.shopper.widget import show_widget

ROUTES = (
    show_link,
    proceed_to_pay,
    show_method,
    choose_method,
    say_company,
    use_wallet,
    show_changed,
    go_on,
    follow,
    show_identify,
    send_code,
    confirm_code,
    forget,
    go_to_bank,
    show_return,
    return_from_bank,
    ask_passkey,
    use_passkey,
    show_public_keys,
    show_confirm,
    confirm_purchase,
    go_to_provider,
    show_paying,
    check_payment,
    pay_another_way,
    show_information,
    download_information,
    download_agreement,
    show_outcome,
    give_feedback,
    explain,
    ask_a_person,
    ask_who_is_paying,
    take_another_plan,
    say_where_to_answer,
    answer_the_question,
    show_passkeys,
    ask_new_passkey,
    keep_passkey,
    drop_passkey,
    ask_cancel,
    cancel,
    show_widget,
    show_till_code,
    pay_at_till,
    hear_till_code,
    show_account,
    send_account_code,
    confirm_account_code,
    ask_account_passkey,
    use_account_passkey,
    go_to_account_bank,
    sign_out,
    show_purchases,
    show_purchase,
    download_bought_agreement,
    download_bought_document,
    show_return_form,
    announce_return,
    follow_return,
    call_off_return,
    show_insurance,
    give_up_insurance,
    show_insured,
    give_up_insured,
    show_subscription,
    ask_before_end,
    end_subscription,
    change_subscription,
    show_ways,
    take_way,
    go_to_way,
    check_way,
    show_owed_ways,
    take_owed_way,
    go_to_owed_way,
    check_owed_way,
    show_wallet,
    turn_points,
    download_statement,
    download_movements,
    show_payout,
    ask_payout,
    confirm_payout,
)
