"""Orders are found by how a reference, a name, an e-mail or a phone begins; by their sum; and by who buys."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T04:40:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "The words that orders are found by, and indexes for the filters of their list"

SQL = """
-- What people type and what is stored are compared as words of letters and digits, small and without accents. Every
-- letter that needs it is named here, so that the answer depends neither on the server's locale nor on its version: an
-- index is built on it.
CREATE FUNCTION search_phrase(written text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT btrim(left(translate(
        lower(regexp_replace(regexp_replace(
            normalize(written, NFKD) COLLATE "C",
            U&'[\\0001-\\0008\\000E-\\001F\\0021-\\002F\\003A-\\0040\\005B-\\0060\\007B-\\00BF\\0300-\\036F\\200B-\\206F]',
            '', 'g'), '\\s+', ' ', 'g')),
        'ÆØÐÞŁĐŒАБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯІЄЂЈЉЊЋЏ',
        'æøðþłđœабвгдежзиклмнопрстуфхцчшщъыьэюяієђјљњћџ'), 64))
$$;
-- Blanks part words, but nobody types those of a number as they stand: with a digit in it a text is one word. So
-- "aino v", "0401 234", "+358 40 12" and "shop 1001" find what they mean.
CREATE FUNCTION search_word(typed text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE WHEN typed ~ '[0-9]' THEN replace(search_phrase(typed), ' ', '') ELSE search_phrase(typed) END
$$;

-- A name is kept once from each of its parts on ("aino virta", "virta aino"), a phone with and without its country.
CREATE FUNCTION order_words_of(reference text, name text, email text, phone text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    words text[] := ARRAY[search_phrase(reference), search_phrase(email)];
    parts text[] := string_to_array(search_phrase(name), ' ');
    digits text := regexp_replace(phone, '[^0-9]', '', 'g');
    word text;
BEGIN
    FOR start IN 1 .. least(cardinality(coalesce(parts, '{}')), 6) LOOP
        words := words || left(array_to_string(parts[start:] || parts[:start - 1], ' '), 64);
    END LOOP;
    FOREACH word IN ARRAY words LOOP
        IF word ~ '[0-9]' AND word ~ ' ' THEN
            words := words || replace(word, ' ', '');
        END IF;
    END LOOP;
    IF digits <> '' THEN
        words := words || digits;
        IF digits ~ '^(358|359|46)' THEN
            words := words || ('0' || regexp_replace(digits, '^(358|359|46)', ''));
        ELSIF digits ~ '^45.' THEN
            words := words || substr(digits, 3);
        END IF;
    END IF;
    RETURN array_remove(array_remove(words, NULL), '');
END $$;

-- newest_first is the order's birth in microseconds, negated: one ascending index reads word by word, and within a
-- word the newest order first.
CREATE TABLE order_words (
    merchant_id  uuid NOT NULL,
    order_id     uuid NOT NULL,
    word         text COLLATE "C" NOT NULL CHECK (word <> ''),
    newest_first bigint NOT NULL,
    PRIMARY KEY (merchant_id, order_id, word),
    FOREIGN KEY (merchant_id, order_id) REFERENCES orders (merchant_id, id) ON DELETE RESTRICT
);
CREATE INDEX order_words_found ON order_words (merchant_id, word, newest_first, order_id);

-- Words follow what they were made from, whoever writes it: what is forgotten of an order is not found by any more.
CREATE FUNCTION refresh_order_words(the_merchant uuid, the_order uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    wanted text[];
    birth bigint;
BEGIN
    SELECT order_words_of(o.reference, c.name, c.email, c.phone), -(extract(epoch FROM o.created_at) * 1000000)::bigint
    INTO wanted, birth
    FROM orders o JOIN order_contacts c ON c.merchant_id = o.merchant_id AND c.order_id = o.id
    WHERE o.merchant_id = the_merchant AND o.id = the_order;
    DELETE FROM order_words WHERE merchant_id = the_merchant AND order_id = the_order AND word <> ALL (wanted);
    INSERT INTO order_words (merchant_id, order_id, word, newest_first)
    SELECT the_merchant, the_order, word, birth FROM unnest(wanted) AS word
    ON CONFLICT DO NOTHING;
END $$;
CREATE FUNCTION refresh_words_of_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM refresh_order_words(NEW.merchant_id, NEW.id);
    RETURN NULL;
END $$;
CREATE FUNCTION refresh_words_of_contact() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM refresh_order_words(NEW.merchant_id, NEW.order_id);
    RETURN NULL;
END $$;
-- An order is born with its contact, in one statement.
CREATE TRIGGER order_contacts_words_at_birth AFTER INSERT ON order_contacts
    FOR EACH ROW EXECUTE FUNCTION refresh_words_of_contact();
CREATE TRIGGER order_contacts_words AFTER UPDATE ON order_contacts FOR EACH ROW
    WHEN ((NEW.name, NEW.email, NEW.phone) IS DISTINCT FROM (OLD.name, OLD.email, OLD.phone))
    EXECUTE FUNCTION refresh_words_of_contact();
CREATE TRIGGER orders_words AFTER UPDATE ON orders FOR EACH ROW
    WHEN (NEW.reference IS DISTINCT FROM OLD.reference)
    EXECUTE FUNCTION refresh_words_of_order();
INSERT INTO order_words (merchant_id, order_id, word, newest_first)
SELECT o.merchant_id, o.id, unnest(order_words_of(o.reference, c.name, c.email, c.phone)),
       -(extract(epoch FROM o.created_at) * 1000000)::bigint
FROM orders o JOIN order_contacts c ON c.merchant_id = o.merchant_id AND c.order_id = o.id
ON CONFLICT DO NOTHING;

CREATE INDEX orders_by_total ON orders (merchant_id, total_minor, created_at DESC, id DESC);
CREATE INDEX orders_of_business ON orders (merchant_id, created_at DESC, id DESC) WHERE buyer = 'business';
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
